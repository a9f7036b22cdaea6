import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { join } from 'node:path';
import { isPlainText, Templates, toMinute, Translations, viewsDirectory } from '../common';
import { MailOptions } from '../mail';
import { UsersOptions } from '../users';
import { Csrf } from './csrf';
import { Flash } from './flash';
import { Answer, Page, Redirect } from './page';
import type { PageFrame } from './page-data';
import { setPageHeaders } from './page-headers';
import type { PageRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { PagesOptions } from './pages.options';

/** Turns what page controllers return into responses, in the language of the browser. */
@Injectable()
export class Pages {
  private readonly templates = new Templates(join(viewsDirectory, 'pages'));

  constructor(
    private readonly translations: Translations,
    private readonly sessions: PageSessions,
    private readonly csrf: Csrf,
    private readonly flash: Flash,
    private readonly site: PagesOptions,
    private readonly mails: MailOptions,
    private readonly passwords: UsersOptions,
  ) {}

  /** Gives a reply its status, headers and cookies. @returns its body */
  async prepare(answer: Answer, request: PageRequest, reply: FastifyReply): Promise<string | undefined> {
    const isRedirect = answer instanceof Redirect;
    const body = await (isRedirect
      ? this.leave(answer, request, reply)
      : this.render(answer, request, reply));
    setPageHeaders(reply);
    return body;
  }

  private async leave({ path, options }: Redirect, request: PageRequest, reply: FastifyReply) {
    if (options.session) this.sessions.start(reply, options.session);
    if (options.mayEndSession) await this.sessions.forgetIfEnded(request, reply);
    if (options.isGoodbye) this.sessions.forgetAll(request, reply);
    if (options.flash) this.flash.leave(reply, options.flash);
    void reply.status(options.status ?? 303).header('Location', path);
    return undefined;
  }

  private async render(page: Page, request: PageRequest, reply: FastifyReply): Promise<string> {
    const frame = this.frame(request, reply, page.name === 'error');
    const html = await this.templates.render(page.name, { ...frame, page: page.data });
    void reply
      .status(isError(page) ? page.data.status : (request.refusal?.status ?? 200))
      .headers({ 'Content-Language': frame.lang, Vary: 'Accept-Language' })
      .type('text/html; charset=utf-8');
    return html;
  }

  /** @param isError of a request that may have failed before anything was known about it */
  private frame(request: PageRequest, reply: FastifyReply, isError: boolean): PageFrame {
    const lang = this.translations.negotiate(request.headers['accept-language']);
    const { authenticated, body } = request;
    const refusal = isError ? undefined : request.refusal;
    return {
      lang,
      t: this.translations.translator(lang),
      toMinute,
      appName: this.mails.appName,
      publicUrl: this.site.publicUrl,
      minLength: this.passwords.passwordMinLength,
      user: authenticated && { username: authenticated.user.username, email: authenticated.user.email },
      csrf: isError && !authenticated ? undefined : this.csrf.issue(request, reply),
      flash: isError || refusal ? undefined : this.flash.take(request, reply),
      problem: refusal?.problem,
      errors: refusal?.errors ?? [],
      typed: { email: textIn(body, 'email'), username: textIn(body, 'username') },
    };
  }
}

function isError(page: Page): page is Page<'error'> {
  return page.name === 'error';
}

function textIn(body: unknown, field: string): string | undefined {
  const text = (body as Record<string, unknown> | null | undefined)?.[field];
  return isPlainText(text) ? text : undefined;
}
