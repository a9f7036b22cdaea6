import { ApiProperty } from '@nestjs/swagger';
import { IsEmailAddress, IsPlainText } from '../common';
import type { User } from '../users';

export class LoginDto {
  @ApiProperty({ example: 'susan@example.com' })
  @IsEmailAddress()
  email!: string;

  @ApiProperty({ example: 'correct horse battery staple' })
  @IsPlainText()
  password!: string;
}

export class AccessTokenDto {
  @ApiProperty({ description: 'Send it as "Authorization: Bearer <accessToken>".' })
  accessToken!: string;

  @ApiProperty({ enum: ['Bearer'] })
  tokenType!: 'Bearer';

  @ApiProperty({ description: 'Seconds until the session ends.', example: 43_200 })
  expiresIn!: number;
}

export class MeDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'susan@example.com' })
  email: string;

  @ApiProperty({ example: 'susan' })
  username: string;

  @ApiProperty({ type: 'string', nullable: true, example: 'en' })
  locale: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;

  constructor({ id, email, username, locale, createdAt }: User) {
    this.id = id;
    this.email = email;
    this.username = username;
    this.locale = locale;
    this.createdAt = createdAt.toISOString();
  }
}
