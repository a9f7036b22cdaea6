import type { CookieSerializeOptions } from '@fastify/cookie';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PagesOptions } from './pages.options';

const NAMES = {
  session: 'latchkey',
  preSession: 'latchkey-pre',
  flash: 'latchkey-flash',
  continuation: 'latchkey-next',
};

export type PageCookie = keyof typeof NAMES;

export const ALL_COOKIES = Object.keys(NAMES) as PageCookie[];

/** The cookies of the pages: for this host only, hidden from scripts, and not sent with the forms of other sites. */
@Injectable()
export class PageCookies {
  private readonly secure: boolean;

  constructor({ publicUrl }: PagesOptions) {
    this.secure = new URL(publicUrl).protocol === 'https:';
  }

  read(request: FastifyRequest, cookie: PageCookie): string | undefined {
    return request.cookies[this.name(cookie)];
  }

  /** @param maxAge seconds; without it the cookie lasts as long as the browser's session */
  write(reply: FastifyReply, cookie: PageCookie, value: string, maxAge?: number): void {
    void reply.setCookie(this.name(cookie), value, { ...this.attributes(), maxAge });
  }

  clear(reply: FastifyReply, cookie: PageCookie): void {
    void reply.clearCookie(this.name(cookie), this.attributes());
  }

  /** The prefix keeps other hosts of the domain from planting the cookie. Browsers require `Secure` with it. */
  private name(cookie: PageCookie): string {
    return `${this.secure ? '__Host-' : ''}${NAMES[cookie]}`;
  }

  private attributes(): CookieSerializeOptions {
    // Not "strict": people who are signed in stay so when they follow the link of a mail.
    return { httpOnly: true, secure: this.secure, sameSite: 'lax', path: '/' };
  }
}
