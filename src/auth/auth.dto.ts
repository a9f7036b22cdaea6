import { ApiProperty } from '@nestjs/swagger';
import { EmailAddress, IsPlainText } from '../common';
import { EmailField } from '../http';
import type { User } from '../users';

export class LoginDto {
  @EmailField()
  email!: EmailAddress;

  @ApiProperty({ example: 'correct horse battery staple' })
  @IsPlainText()
  password!: string;
}

export class AccessTokenDto {
  @ApiProperty({
    description: 'Send it as "Authorization: Bearer <accessToken>".',
    example: 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJhY2Nlc3MifQ.Ul5kEHRl3k3nR2nEXuSQ2yTbFqVxrUaCdJmJtP0OEuY',
  })
  accessToken!: string;

  @ApiProperty({ enum: ['Bearer'], example: 'Bearer' })
  tokenType!: 'Bearer';

  @ApiProperty({
    type: 'integer',
    description: 'Seconds until the session ends; sooner where it is not used.',
    example: 43_200,
  })
  expiresIn!: number;
}

export class MeDto {
  @ApiProperty({ example: 'c5e2f7b0-0d2e-4a53-9a7c-7a5a0f5a7c11' })
  id: string;

  @ApiProperty({ example: 'susan@example.com' })
  email: string;

  @ApiProperty({ example: 'susan' })
  username: string;

  @ApiProperty({
    description: 'null for the default language',
    oneOf: [{ type: 'string' }, { type: 'null' }],
    example: 'zh-TW',
  })
  locale: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-01-02T03:04:05.678Z' })
  createdAt: string;

  constructor({ id, email, username, locale, createdAt }: User) {
    this.id = id;
    this.email = email;
    this.username = username;
    this.locale = locale;
    this.createdAt = createdAt.toISOString();
  }
}
