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
  message = 'Check your email for the instructions to reset your password';
}

export class VerifyResetTokenDto {
  @ApiProperty({ description: 'The token of the mailed link, exactly.' })
  @IsPlainText()
  token!: string;
}

export class ResetTokenDto {
  @ApiProperty({ format: 'date-time', description: 'When the link dies unless it is used.' })
  expiresAt!: string;
}

export class ConfirmPasswordResetDto extends VerifyResetTokenDto {
  @ApiProperty({ description: 'The new password.', example: 'correct horse battery staple' })
  @IsPlainText()
  password!: string;

  @ApiPropertyOptional({ description: 'The new password again; compared where it is given.' })
  @IsOptional()
  @IsPlainText()
  passwordConfirmation?: string;
}
