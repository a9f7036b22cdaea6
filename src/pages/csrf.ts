import { Tokens as CsrfTokens } from '@fastify/csrf';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Keyring } from '../common';
import { PageCookies } from './cookies';
import type { PageRequest } from './page-request';

/** Name of the hidden field of every form. */
export const CSRF_FIELD = '_csrf';

/** Tokens have about seventy characters. */
const LONGEST_TOKEN = 256;

type Tokens = ReturnType<typeof createTokens>;

/**
 * Anti-forgery tokens. A key ties each of them to the session or, without one, to a random cookie: even somebody who can
 * plant cookies cannot make a token that fits (OWASP, signed double-submit cookie).
 */
@Injectable()
export class Csrf {
  private readonly tokens: Tokens;
  /** Of the current and previous keys: a form that is open while the key changes still works. */
  private readonly accepted: Tokens[];

  constructor(
    keyring: Keyring,
    private readonly cookies: PageCookies,
  ) {
    const { current, byId } = keyring.derive('csrf');
    this.tokens = createTokens(current.key);
    this.accepted = [...byId.values()].map(({ key }) => createTokens(key));
  }

  /** @returns a token for the forms of a page; sets the pre-session cookie if there is none */
  issue(request: PageRequest, reply: FastifyReply): string {
    const holder = this.holder(request) ?? { kind: 'pre-session', id: this.startPreSession(reply) };
    return this.tokens.create(holder.id, holder.kind);
  }

  verify(request: PageRequest, token: unknown): boolean {
    const holder = this.holder(request);
    if (!holder || typeof token !== 'string' || token.length > LONGEST_TOKEN) return false;
    return this.accepted.some((tokens) => tokens.verify(holder.id, token, holder.kind));
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
  return new CsrfTokens({ hmacKey, userInfo: true });
}
