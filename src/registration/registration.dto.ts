import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsEmailAddress, IsPlainText, IsUsername } from '../common';

export class RegisterDto {
  @ApiProperty({ example: 'susan@example.com' })
  @IsEmailAddress()
  email!: string;

  @ApiProperty({ description: 'How mails address this person.', maxLength: 64, example: 'Susan' })
  @IsUsername()
  username!: string;

  @ApiProperty({ example: 'correct horse battery staple' })
  @IsPlainText()
  password!: string;

  @ApiPropertyOptional({
    type: String,
    description: 'Language of the mails; without it the default of this server.',
    example: 'en',
  })
  @IsOptional()
  @IsPlainText()
  locale?: string | null;
}

export class RegistrationAcceptedDto {
  @ApiProperty({ example: 'Check your email for the link that confirms your address' })
  readonly message: string = 'Check your email for the link that confirms your address';
}

export class VerifyAddressDto {
  @ApiProperty({
    description: 'The token of the mailed link, exactly.',
    example:
      'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJyZWdpc3RyYXRpb24ifQ.mWqgZ1kP0C7c9h9b0yJH3rT1w2cUuQ7kqk2mLxXbX9o',
  })
  @IsPlainText()
  token!: string;

  @ApiProperty({
    description: 'The password that was chosen at the registration that the link belongs to.',
    example: 'correct horse battery staple',
  })
  @IsPlainText()
  password!: string;
}
