import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Translations } from '../common';
import { Csrf } from './csrf';
import { Flash, FlashName } from './flash';
import type { PageData, PageFrame, PageName } from './page-data';
import { setPageHeaders } from './page-headers';
import { PageRenderer } from './page-renderer';
import type { PageRequest } from './page-request';
import { PagesOptions } from './pages.options';

/** Answers requests with pages, in the language of the browser. */
@Injectable()
export class Pages {
  constructor(
    private readonly renderer: PageRenderer,
    private readonly translations: Translations,
    private readonly csrf: Csrf,
    private readonly flash: Flash,
    private readonly options: PagesOptions,
  ) {}

  async send<Name extends PageName>(
    request: PageRequest,
    reply: FastifyReply,
    name: Name,
    page: PageData[Name],
    status = 200,
  ): Promise<void> {
    const csrf = this.csrf.issue(request, reply);
    const flash = this.flash.take(request, reply);
    await this.answer(reply, status, name, page, { ...this.frame(request), csrf, flash });
  }

  /** A page for requests that may have failed before anything was known about them. */
  async sendError(request: PageRequest, reply: FastifyReply, page: PageData['error']): Promise<void> {
    const csrf = request.authenticated && this.csrf.issue(request, reply);
    await this.answer(reply, page.status, 'error', page, { ...this.frame(request), csrf });
  }

  /** @param path a path of ours, written in the code: never something that a request names */
  redirect(reply: FastifyReply, path: `/${string}`, flash?: FlashName): void {
    if (flash) this.flash.leave(reply, flash);
    void setPageHeaders(reply).redirect(path, 303);
  }

  /** The language in which a request is answered. */
  languageOf(request: FastifyRequest): string {
    return this.translations.negotiate(request.headers['accept-language']);
  }

  private frame(request: PageRequest): PageFrame {
    const lang = this.languageOf(request);
    const signedIn = request.authenticated !== undefined;
    return { lang, t: this.translations.translator(lang), appName: this.options.appName, signedIn };
  }

  private async answer<Name extends PageName>(
    reply: FastifyReply,
    status: number,
    name: Name,
    page: PageData[Name],
    frame: PageFrame,
  ): Promise<void> {
    const html = await this.renderer.render(name, page, frame);
    await setPageHeaders(reply)
      .status(status)
      .headers({ 'Content-Language': frame.lang, Vary: 'Accept-Language' })
      .type('text/html; charset=utf-8')
      .send(html);
  }
}
