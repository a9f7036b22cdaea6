import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PageCookies } from './cookies';

/** Messages that one page leaves for the next, and how they look. The texts are in the locale files. */
const FLASHES = {
  checkEmail: 'notice',
  passwordReset: 'notice',
  registered: 'notice',
  addressConfirmed: 'notice',
  passwordChanged: 'notice',
  checkNewAddress: 'notice',
  addressChanged: 'notice',
  addressKept: 'notice',
  disavowed: 'notice',
  sessionEnded: 'notice',
  sessionGone: 'notice',
  linkExpired: 'problem',
  linkUsed: 'problem',
  linkInvalid: 'problem',
  registrationLinkExpired: 'problem',
  registrationLinkUsed: 'problem',
  registrationLinkInvalid: 'problem',
  actionLinkExpired: 'problem',
  actionLinkUsed: 'problem',
  actionLinkInvalid: 'problem',
  actionLinkMoved: 'problem',
} as const;

export type FlashName = keyof typeof FLASHES;

export interface FlashMessage {
  name: FlashName;
  kind: 'notice' | 'problem';
}

/** The cookie holds the name of a message, never its text, so that nobody can plant a text of their own. */
@Injectable()
export class Flash {
  constructor(private readonly cookies: PageCookies) {}

  leave(reply: FastifyReply, name: FlashName): void {
    this.cookies.write(reply, 'flash', name, 60);
  }

  /** @returns the message left by the page before, once */
  take(request: FastifyRequest, reply: FastifyReply): FlashMessage | undefined {
    const name = this.cookies.read(request, 'flash');
    if (name === undefined) return undefined;
    this.cookies.clear(reply, 'flash');
    return isFlashName(name) ? { name, kind: FLASHES[name] } : undefined;
  }
}

function isFlashName(name: string): name is FlashName {
  return Object.hasOwn(FLASHES, name);
}
