import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  applyDecorators,
  Controller,
  Get,
  Header,
  NotFoundException,
  Param,
  UseGuards,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Templates, viewsDirectory } from '../../common';
import { Public } from '../../http';
import type { CaughtMail } from './caught-mail';
import { Mailbox } from './mailbox';
import { OwnHostGuard } from './own-host.guard';

const directory = join(viewsDirectory, 'pages', 'mailbox');

/** What the HTML of a mail may do, as in a mail program on the web: show itself, and open a link that is clicked. */
const SANDBOX = 'allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation';

/** Method decorator: an answer of this type, for these eyes only, that can load and do no more than `policy` says. */
const Answer = (type: string, ...policy: string[]) =>
  applyDecorators(
    Header('Content-Type', `${type}; charset=utf-8`),
    Header(
      'Content-Security-Policy',
      ["default-src 'none'", "base-uri 'none'", "form-action 'none'", ...policy].join('; '),
    ),
    Header('Cache-Control', 'no-store'),
    Header('Referrer-Policy', 'no-referrer'),
    Header('X-Content-Type-Options', 'nosniff'),
  );

const Page = () => Answer('text/html', "style-src 'self'", "frame-src 'self'", "frame-ancestors 'none'");
const PlainText = () => Answer('text/plain', "frame-ancestors 'none'", 'sandbox');

/** The pages to read caught mails on. Everything in a mail is a stranger's word, its HTML above all. */
@ApiExcludeController()
@Public()
@UseGuards(OwnHostGuard)
@Controller('dev')
export class MailboxController {
  private readonly templates = new Templates(directory);
  private readonly style = readFileSync(join(directory, 'style.css'), 'utf8');

  constructor(private readonly mailbox: Mailbox) {}

  @Get('mailbox')
  @Page()
  list(): Promise<string> {
    return this.templates.render('list', { mails: this.mailbox.list().map(toView) });
  }

  /** For programs: a tour with curl, a test in another language. */
  @Get('mailbox.json')
  @Answer('application/json', "frame-ancestors 'none'")
  listAsJson() {
    return this.mailbox
      .list()
      .map(({ id, envelope, subject, receivedAt, text }) => ({ id, ...envelope, subject, receivedAt, text }));
  }

  @Get('mailbox/style.css')
  @Answer('text/css', "frame-ancestors 'none'")
  stylesheet(): string {
    return this.style;
  }

  @Get('mailbox/:id')
  @Page()
  show(@Param('id') id: string): Promise<string> {
    return this.templates.render('mail', { mail: toView(this.findMail(id)), sandbox: SANDBOX });
  }

  @Get('mailbox/:id/html')
  @Answer(
    'text/html',
    "style-src 'unsafe-inline'",
    'img-src data:',
    `sandbox ${SANDBOX}`,
    "frame-ancestors 'self'",
  )
  // Asked for beside frame-ancestors, because a server-wide DENY would leave the frame empty in older browsers.
  @Header('X-Frame-Options', 'SAMEORIGIN')
  html(@Param('id') id: string): string {
    return openLinksInNewWindows(this.findMail(id).html);
  }

  @Get('mailbox/:id/text')
  @PlainText()
  text(@Param('id') id: string): string {
    return this.findMail(id).text;
  }

  @Get('mailbox/:id/source')
  @PlainText()
  source(@Param('id') id: string): string {
    return this.findMail(id).source;
  }

  private findMail(id: string): CaughtMail {
    const mail = this.mailbox.find(id);
    if (!mail) throw new NotFoundException('This mail is not kept (any more).');
    return mail;
  }
}

/** A page that is opened inside the frame would have to work in its sandbox. */
function openLinksInNewWindows(html: string): string {
  const base = '<base target="_blank">';
  return /<head[^>]*>/i.test(html) ? html.replace(/<head[^>]*>/i, (head) => head + base) : base + html;
}

function toView(mail: CaughtMail) {
  const { id, from, envelope, to, subject, date, text, html, receivedAt } = mail;
  return {
    id,
    from: from || envelope.from,
    to: to || envelope.to.join(', '),
    envelope: `${envelope.from || '<>'} → ${envelope.to.join(', ')}`,
    subject: subject || '(no subject)',
    date,
    text,
    hasHtml: html !== '',
    receivedAt: receivedAt.toISOString(),
    received: new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' }).format(
      receivedAt,
    ),
  };
}
