import { Tokens } from '@fastify/csrf';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Keyring } from '../common';
import { PageCookies } from './cookies';
import type { PageRequest } from './page-request';

/** Name of the hidden field of every form. */
export const CSRF_FIELD = '_csrf';

/**
 * Anti-forgery tokens, tied by a key of ours to the session, or before one to a random cookie. Without the key nobody
 * can make a token that fits a cookie, not even one who can plant cookies.
 */
@Injectable()
export class Csrf {
  private readonly tokens: ReturnType<typeof createTokens>;

  constructor(
    keyring: Keyring,
    private readonly cookies: PageCookies,
  ) {
    this.tokens = createTokens(keyring.derive('csrf').current.key);
  }

  /** @returns the token for a form on the page being made; sets the pre-session cookie when there is none */
  issue(request: PageRequest, reply: FastifyReply): string {
    const holder = this.holder(request) ?? { kind: 'pre-session', id: this.startPreSession(reply) };
    return this.tokens.create(holder.id, holder.kind);
  }

  verify(request: PageRequest, token: unknown): boolean {
    const holder = this.holder(request);
    return (
      holder !== undefined && typeof token === 'string' && this.tokens.verify(holder.id, token, holder.kind)
    );
  }

  private holder(request: PageRequest): { kind: string; id: string } | undefined {
    if (request.authenticated) return { kind: 'session', id: request.authenticated.sessionId };
    const id = this.cookies.read(request, 'preSession');
    return id ? { kind: 'pre-session', id } : undefined;
  }

  private startPreSession(reply: FastifyReply): string {
    const id = this.tokens.secretSync();
    this.cookies.write(reply, 'preSession', id);
    return id;
  }
}

function createTokens(hmacKey: Buffer) {
  return new Tokens({ hmacKey, userInfo: true });
}
