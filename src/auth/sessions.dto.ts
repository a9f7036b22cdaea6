import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsPlainText } from '../common';
import type { SessionView } from './session.service';

const TEXT_OR_NULL = [{ type: 'string' }, { type: 'null' }];

export class SessionDto {
  @ApiProperty({ format: 'uuid', example: '0e6f5a0c-4f57-4c37-9f0e-6f0f3b0f8a52' })
  id: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-02T03:04:05.678Z' })
  createdAt: string;

  @ApiProperty({
    format: 'date-time',
    description: 'When it was last used, to about a minute.',
    example: '2026-01-02T04:05:06.789Z',
  })
  lastSeenAt: string;

  @ApiProperty({
    format: 'date-time',
    description: 'When it ends at the latest; sooner where it is not used.',
    example: '2026-01-02T15:04:05.678Z',
  })
  expiresAt: string;

  @ApiProperty({
    description: 'Address that the sign-in came from.',
    oneOf: TEXT_OR_NULL,
    example: '203.0.113.7',
  })
  ip: string | null;

  @ApiProperty({
    description: 'What the program that began it calls itself.',
    oneOf: TEXT_OR_NULL,
    example: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  })
  userAgent: string | null;

  @ApiProperty({ description: 'Whether it is the session of this request.', example: true })
  current: boolean;

  constructor({ id, createdAt, lastSeenAt, expiresAt, ip, userAgent, current }: SessionView) {
    this.id = id;
    this.createdAt = createdAt.toISOString();
    this.lastSeenAt = lastSeenAt.toISOString();
    this.expiresAt = expiresAt.toISOString();
    this.ip = ip;
    this.userAgent = userAgent;
    this.current = current;
  }
}

export class EndSessionDto {
  @ApiPropertyOptional({
    description: 'The password of the account; needed to end another session than the one of this request.',
    example: 'correct horse battery staple',
  })
  @IsOptional()
  @IsPlainText()
  currentPassword?: string;
}

export class SessionListDto {
  @ApiProperty({ type: [SessionDto], description: 'The latest first.' })
  sessions: SessionDto[];

  constructor(sessions: SessionView[]) {
    this.sessions = sessions.map((session) => new SessionDto(session));
  }
}
