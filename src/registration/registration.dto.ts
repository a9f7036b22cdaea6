import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { EmailAddress, IsPlainText, IsUsername, LONGEST_LOCALE } from '../common';
import { EmailField } from '../http';
import { LinkTokenDto } from '../links';

/** One line of ASCII. `Translations` decides which language it names, if any. */
const LANGUAGE = new RegExp(`^[\\x20-\\x7e]{0,${LONGEST_LOCALE}}$`);

export class RegisterDto {
  @EmailField()
  email!: EmailAddress;

  @ApiProperty({ description: 'How mails address this person.', maxLength: 64, example: 'Susan' })
  @IsUsername()
  username!: string;

  @ApiProperty({ example: 'correct horse battery staple' })
  @IsPlainText()
  password!: string;

  @ApiPropertyOptional({
    type: String,
    description:
      'Language of the mails, once the address is confirmed: the closest that this server has, or its default.',
    maxLength: LONGEST_LOCALE,
    example: 'en-US',
  })
  @IsOptional()
  @Matches(LANGUAGE, { message: `must be a language such as en-US, of at most ${LONGEST_LOCALE} characters` })
  locale?: string | null;
}

export class RegistrationAcceptedDto {
  @ApiProperty({ example: 'Check your email for the link that confirms your address' })
  readonly message: string = 'Check your email for the link that confirms your address';
}

export class VerifyAddressDto extends LinkTokenDto {
  @ApiProperty({
    description: 'The password that was chosen at the registration that the link belongs to.',
    example: 'correct horse battery staple',
  })
  @IsPlainText()
  password!: string;
}
