import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsEmailAddress, IsPlainText } from '../common';

export class ChangePasswordDto {
  @ApiProperty({ description: 'The password until now.', example: 'correct horse battery staple' })
  @IsPlainText()
  currentPassword!: string;

  @ApiProperty({ description: 'The new password.', example: 'staple battery horse correct' })
  @IsPlainText()
  password!: string;

  @ApiPropertyOptional({
    description: 'The new password again; compared where it is given.',
    example: 'staple battery horse correct',
  })
  @IsOptional()
  @IsPlainText()
  passwordConfirmation?: string;
}

export class ChangeEmailDto {
  @ApiProperty({ description: 'The new address.', example: 'susan@new.example.com' })
  @IsEmailAddress()
  email!: string;

  @ApiProperty({ description: 'The password of the account.', example: 'correct horse battery staple' })
  @IsPlainText()
  currentPassword!: string;
}

export class EmailChangeAcceptedDto {
  @ApiProperty({ example: 'Check the new address for the link that confirms it' })
  readonly message: string = 'Check the new address for the link that confirms it';
}

export class EmailChangeTokenDto {
  @ApiProperty({
    description: 'The token of the mailed link, exactly.',
    example:
      'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJlbWFpbC1jaGFuZ2UtY29uZmlybSJ9.mWqgZ1kP0C7c9h9b0yJH3rT1w2cUuQ7kqk2mLxXbX9o',
  })
  @IsPlainText()
  token!: string;
}
