import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import type { EmailAddress } from '../common';
import { EmailField } from '../http';
import { LinkTokenDto } from '../links';
import { NewPasswordDto } from '../users';

export class RequestPasswordResetDto {
  @EmailField()
  email!: EmailAddress;
}

export class RequestAcceptedDto {
  @ApiProperty({ example: 'Check your email for the instructions to reset your password' })
  readonly message: string = 'Check your email for the instructions to reset your password';
}

export class VerifyResetTokenDto extends LinkTokenDto {}

export class ResetTokenDto {
  @ApiProperty({
    format: 'date-time',
    description: 'When the link expires unless it is used.',
    example: '2026-01-02T03:14:05.678Z',
  })
  readonly expiresAt: string;

  constructor({ expiresAt }: { expiresAt: Date }) {
    this.expiresAt = expiresAt.toISOString();
  }
}

export class ConfirmPasswordResetDto extends IntersectionType(NewPasswordDto, LinkTokenDto) {}

export class DisavowDto extends LinkTokenDto {}
