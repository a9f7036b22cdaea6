import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsPlainText, SameAs } from '../common';

/** A body with a new password. What the password must be like is for the password policy to say. */
export class NewPasswordDto {
  @ApiProperty({ description: 'The new password.', example: 'staple battery horse correct' })
  @IsPlainText()
  password!: string;

  @ApiPropertyOptional({
    description: 'The new password again; compared where it is given.',
    example: 'staple battery horse correct',
  })
  @IsOptional()
  @IsPlainText()
  @SameAs('password')
  passwordConfirmation?: string;
}
