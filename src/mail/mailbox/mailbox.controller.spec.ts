import { Global, type INestApplication, Module } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { createTransport } from 'nodemailer';
import supertest from 'supertest';
import { Clock, SystemClock } from '../../common';
import type { CaughtMail } from './caught-mail';
import { Mailbox } from './mailbox';
import { MailboxModule } from './mailbox.module';

@Global()
@Module({ providers: [{ provide: Clock, useClass: SystemClock }], exports: [Clock] })
class ClockModule {}

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>`;

describe.each([
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
])('the mailbox page on %s', (_, adapter) => {
  let app: INestApplication;
  let mailbox: Mailbox;
  let http: ReturnType<typeof supertest>;

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [ClockModule, MailboxModule] }).compile();
    app = module.createNestApplication(adapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    http = supertest(app.getHttpServer());
    mailbox = app.get(Mailbox);
  });

  afterAll(() => app.close());

  it('says so when no mail has come', async () => {
    const { text } = await http
      .get('/dev/mailbox')
      .expect(200)
      .expect('Content-Type', /^text\/html; charset=utf-8$/i);
    expect(text).toContain('No mail yet');
  });

  it('lists what came, the newest first, and leads to it', async () => {
    await send({ subject: 'One' });
    const { id } = await send({ subject: '兩' });
    const { text } = await http.get('/dev/mailbox').expect(200);
    expect(text.indexOf('兩')).toBeLessThan(text.indexOf('One'));
    expect(text).toContain(`href="/dev/mailbox/${id}"`);
    expect(text).toContain('b@example.com');
    expect(text).toContain('<a href="/dev/mailbox">Reload</a>');
  });

  it('answers under the names of this computer only', async () => {
    await http.get('/dev/mailbox').set('Host', '[::1]:3000').expect(200);
    for (const path of ['/dev/mailbox', '/dev/mailbox.json', '/dev/mailbox/style.css', '/dev/mailbox/x'])
      await http.get(path).set('Host', 'rebound.example').expect(403);
  });

  it('lists what came for programs, with the text that holds the link', async () => {
    const { id } = await send({ subject: 'For programs', text: 'https://example.com/reset_password/abc' });
    const { body } = await http
      .get('/dev/mailbox.json')
      .expect(200)
      .expect('Content-Type', /^application\/json/);
    expect(body[0]).toEqual({
      id,
      from: 'a@example.com',
      to: ['b@example.com'],
      subject: 'For programs',
      receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      text: expect.stringContaining('https://example.com/reset_password/abc'),
    });
  });

  it('shows a mail: its headers, its text, and its HTML in a sandboxed frame', async () => {
    const { id } = await send({ subject: 'Shown', text: 'the text', html: '<p>the html</p>' });
    const { text } = await http.get(`/dev/mailbox/${id}`).expect(200);
    expect(text).toContain('<h1>Shown</h1>');
    expect(text).toContain('the text');
    expect(text).not.toContain('the html');
    expect(text).toMatch(/<iframe [^>]*sandbox="allow-popups [^"]*"/);
    expect(text).not.toMatch(/allow-scripts|allow-same-origin|allow-forms/);
    expect(text).toContain(`src="/dev/mailbox/${id}/html"`);
  });

  it('has no frame for a mail without HTML', async () => {
    const { id } = await send({ text: 'only text' });
    const { text } = await http.get(`/dev/mailbox/${id}`).expect(200);
    expect(text).not.toContain('<iframe');
    expect(text).toContain('<details open>');
  });

  it('gives text and source as plain text', async () => {
    const { id } = await send({ subject: 'Plain', text: '<b>文字</b>' });
    const plain = /^text\/plain; charset=utf-8$/i;
    const { text } = await http.get(`/dev/mailbox/${id}/text`).expect(200).expect('Content-Type', plain);
    expect(text.trim()).toBe('<b>文字</b>');
    const source = await http.get(`/dev/mailbox/${id}/source`).expect(200).expect('Content-Type', plain);
    expect(source.text).toMatch(/^Subject: Plain\r$/m);
  });

  it('opens the links of a mail outside its frame', async () => {
    const whole = await send({ html: '<!doctype html><html><head lang="en"><title>x</title></head><body>y' });
    const { text } = await http.get(`/dev/mailbox/${whole.id}/html`).expect(200);
    expect(text).toContain('<head lang="en"><base target="_blank"><title>');
    const fragment = await send({ html: '<a href="https://example.com/">z</a>' });
    await http.get(`/dev/mailbox/${fragment.id}/html`).expect(200, /^<base target="_blank"><a/);
  });

  it('never lets a mail become markup of the mailbox', async () => {
    const { id } = await send({
      subject: HOSTILE,
      from: { name: HOSTILE, address: 'a@example.com' },
      to: { name: HOSTILE, address: 'b@example.com' },
      text: HOSTILE,
    });
    for (const path of ['/dev/mailbox', `/dev/mailbox/${id}`]) {
      const { text } = await http.get(path).expect(200);
      expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      expect(text).not.toMatch(/<script|<img/);
    }
  });

  it('lets no answer load, run or be kept more than it needs', async () => {
    const { id } = await send({ html: '<p>x</p>' });
    const policies = await Promise.all(
      ['.json', '', '/style.css', `/${id}`, `/${id}/html`, `/${id}/text`, `/${id}/source`].map(
        async (path) => {
          const { headers } = await http.get(`/dev/mailbox${path}`).expect(200);
          expect(headers).toMatchObject({
            'cache-control': 'no-store',
            'referrer-policy': 'no-referrer',
            'x-content-type-options': 'nosniff',
          });
          return [path.replace(id, ':id'), headers['content-security-policy']];
        },
      ),
    );
    const page =
      "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'self'; frame-src 'self'; frame-ancestors 'none'";
    const plain = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
    expect(Object.fromEntries(policies)).toEqual({
      '.json': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      '': page,
      '/style.css': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      '/:id': page,
      '/:id/html':
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups " +
        "allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; frame-ancestors 'self'",
      '/:id/text': plain,
      '/:id/source': plain,
    });
  });

  it.each(['', '/html', '/text', '/source'])(
    'answers 404 for a mail it has not: /unknown%s',
    async (part) => {
      await http.get(`/dev/mailbox/unknown${part}`).expect(404);
    },
  );

  async function send(mail: object): Promise<CaughtMail> {
    const { host, port } = await mailbox.listen();
    const transport = createTransport({ host, port, ignoreTLS: true });
    await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', text: 'text', ...mail });
    return mailbox.list()[0]!;
  }
});
