import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsEmailAddress, IsPlainText } from '../common';

export class RequestPasswordResetDto {
  @ApiProperty({ example: 'susan@example.com' })
  @IsEmailAddress()
  email!: string;
}

export class RequestAcceptedDto {
  @ApiProperty({ example: 'Check your email for the instructions to reset your password' })
  readonly message: string = 'Check your email for the instructions to reset your password';
}

export class VerifyResetTokenDto {
  @ApiProperty({
    description: 'The token of the mailed link, exactly.',
    example:
      'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJwYXNzd29yZC1yZXNldCJ9.mWqgZ1kP0C7c9h9b0yJH3rT1w2cUuQ7kqk2mLxXbX9o',
  })
  @IsPlainText()
  token!: string;
}

export class DisavowDto {
  @ApiProperty({
    description: 'The token of the link "this was not me", exactly.',
    example:
      'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJwYXNzd29yZC1yZXNldC1kaXNhdm93YWwifQ.q3yVb0w7cC2k9sX1mJtT5rL8uZ4hN6eKfD0aQgYpWiM',
  })
  @IsPlainText()
  token!: string;
}

export class ResetTokenDto {
  @ApiProperty({
    format: 'date-time',
    description: 'When the link dies unless it is used.',
    example: '2026-01-02T03:14:05.678Z',
  })
  expiresAt!: string;
}

export class ConfirmPasswordResetDto extends VerifyResetTokenDto {
  @ApiProperty({ description: 'The new password.', example: 'correct horse battery staple' })
  @IsPlainText()
  password!: string;

  @ApiPropertyOptional({
    description: 'The new password again; compared where it is given.',
    example: 'correct horse battery staple',
  })
  @IsOptional()
  @IsPlainText()
  passwordConfirmation?: string;
}
