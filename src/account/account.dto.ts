import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { EmailAddress, IsPlainText } from '../common';
import { EmailField } from '../http';
import { LinkTokenDto } from '../links';
import { NewPasswordDto } from '../users';

export class ChangePasswordDto extends NewPasswordDto {
  @ApiProperty({ description: 'The present password.', example: 'correct horse battery staple' })
  @IsPlainText()
  currentPassword!: string;
}

export class ChangeEmailDto {
  @EmailField({ description: 'The new address.', example: 'susan@new.example.com' })
  email!: EmailAddress;

  @ApiProperty({ description: 'The password of the account.', example: 'correct horse battery staple' })
  @IsPlainText()
  currentPassword!: string;
}

export class EmailChangeAcceptedDto {
  @ApiProperty({ example: 'Check the new address for the link that confirms it' })
  readonly message: string = 'Check the new address for the link that confirms it';
}

export class EmailChangeHeldDto {
  @ApiProperty({ example: 'Confirmed; the address changes later' })
  readonly message: string = 'Confirmed; the address changes later';

  @ApiProperty({
    description: 'When the address changes, if nobody stops it.',
    format: 'date-time',
    example: '2026-01-03T03:04:05.678Z',
  })
  readonly effectiveAt: string;

  constructor(effectiveAt: Date) {
    this.effectiveAt = effectiveAt.toISOString();
  }
}

export class EmailChangeTokenDto extends LinkTokenDto {}

export class ConfirmEmailChangeDto extends LinkTokenDto {
  @ApiPropertyOptional({
    description: 'The password of the account; needed without an access token of one of its sessions.',
    example: 'correct horse battery staple',
  })
  @IsOptional()
  @IsPlainText()
  password?: string;
}
