import { createServer, AddressInfo } from 'node:net';
import PostalMime, { Email } from 'postal-mime';
import { until } from '../support/mail-reader';
import { SmtpSink } from '../support/smtp-sink';
import { TestApp } from '../support/test-app';

const NEW_PASSWORD = 'staple battery horse correct';

const linksIn = (text: string) => text.match(/https?:\/\/[^\s"<]+/g) ?? [];
const anchorsIn = (html: string) => [...html.matchAll(/<a\s[^>]*href="([^"]*)"/g)].map(([, href]) => href);
const header = (mail: Email, name: string) =>
  mail.headers.filter(({ key }) => key === name.toLowerCase()).map(({ value }) => value);

describe('the mails', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start({ settings: { appName: 'Microblog', admins: ['no-reply@blog.example'] } });
  });
  afterAll(() => server.stop());

  const resetMail = async (changes: { username?: string; locale?: string } = {}) => {
    const user = await server.createUser(changes);
    await server.ask(user.email).expect(202);
    const { source } = await server.mails.next(user.email);
    return { user, source, mail: await PostalMime.parse(source) };
  };

  it('are addressed to one person, from the configured sender, and say that a machine wrote them', async () => {
    const { user, mail, source } = await resetMail();
    expect(mail.from).toMatchObject({ address: 'no-reply@blog.example' });
    expect(mail.to).toEqual([expect.objectContaining({ address: user.email })]);
    expect([mail.cc, mail.bcc]).toEqual([undefined, undefined]);
    expect(mail.subject).toBe('[Microblog] Reset Your Password');
    expect(header(mail, 'Auto-Submitted')).toEqual(['auto-generated']);
    expect(header(mail, 'List-Unsubscribe')).toEqual([]);
    for (const name of ['From', 'To', 'Date', 'Subject', 'Message-ID'])
      expect(header(mail, name)).toHaveLength(1);
    expect(mail.messageId).toMatch(/^<[\w-]+@blog\.example>$/);
    expect(source).not.toMatch(/[^\r]\n/);
    expect(Math.max(...source.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  it('carry one link to reset and one to say that it was not you, the same in the text and in the HTML', async () => {
    const { mail } = await resetMail();
    const inText = linksIn(mail.text!);
    expect(inText.map((link) => new URL(link).pathname.split('/')[1])).toEqual(['reset_password', 'not_me']);
    expect(anchorsIn(mail.html!)).toEqual(inText);
    expect([...new Set(linksIn(mail.html!))]).toEqual(inText);
  });

  it('say whom they address, how long the link lives, and what to do if it was not you', async () => {
    const { mail } = await resetMail({ username: 'Susan' });
    for (const part of [mail.text!, mail.html!]) {
      expect(part).toContain('Dear Susan,');
      expect(part).toContain('10 minutes');
      expect(part).toContain('If you have not requested a password reset simply ignore this message.');
      expect(part).toContain('The Microblog Team');
    }
  });

  it('speak the language of their recipient, not of who asked', async () => {
    const { user, mail } = await resetMail({ locale: 'zh-TW' });
    expect(mail.subject).toMatch(/^\[Microblog\] .*密碼/);
    expect(mail.text).toContain('10 分鐘');
    await server.ask(user.email).set('Accept-Language', 'en').expect(202);
    const second = await server.mails.next(user.email, 1);
    expect(second.subject).toBe(mail.subject);
  });

  it.each([
    '<b>bold</b><a href="https://evil.example/">click</a>',
    'https://evil.example/win',
    'Eve\r\nBcc: victim@example.com',
    'Eve\u202Ereversed',
    '{{link}} {{username}}',
    '#{link} !{link}',
  ])('show a user name as nothing but text: %j', async (username) => {
    const { mail, source } = await resetMail({ username });
    const links = /http:\/\/localhost:3000\/(?:reset_password|not_me)\/[\w.-]+/g;
    const [link, notMe] = mail.text!.match(links)!;
    expect(mail.html).not.toMatch(/<b>|evil\.example\/">/);
    expect(anchorsIn(mail.html!)).toEqual([link, notMe]);
    for (const part of [mail.text!, mail.html!]) {
      expect(part).not.toMatch(/https:\/\/evil\.example/);
      expect(part).not.toContain('\u202E');
      expect(part.split(link)).toHaveLength(part === mail.text ? 2 : 3);
    }
    expect(header(mail, 'Bcc')).toEqual([]);
    expect(source).not.toMatch(/^Bcc:/im);
  });

  it('tell of a change with time, source and what to do', async () => {
    const user = await server.createUser();
    await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
    const mail = await PostalMime.parse((await server.mails.next(user.email, 1)).source);
    expect(mail.subject).toBe('[Microblog] Your Password Was Changed');
    const today = server.clock.now().toISOString().slice(0, 10);
    for (const part of [mail.text!, mail.html!]) {
      expect(part).toContain(today);
      expect(part).toContain('127.0.0.1');
      expect(part).toContain('http://localhost:3000/reset_password_request');
      expect(part).toContain('If it was not you, ');
    }
    expect(anchorsIn(mail.html!)).toEqual(linksIn(mail.text!));
    expect(linksIn(mail.text!)[0]).toMatch(/^http:\/\/localhost:3000\/not_me\//);
  });

  it('say for how long there will be no further one if it was not you', async () => {
    const { mail } = await resetMail();
    expect(mail.text).toContain('For 60 minutes after that, we send no further link.');
    const { mail: chinese } = await resetMail({ locale: 'zh-TW' });
    expect(chinese.text).toContain('之後 60 分鐘內，我們不會再寄出新的連結。');
  });
});

describe('a mail server with moods', () => {
  let sink: SmtpSink;
  let server: TestApp;

  const startWith = async (port?: number) => {
    sink = new SmtpSink();
    const smtpPort = port ?? (await sink.start());
    const mail = { mailServer: '127.0.0.1', mailPort: smtpPort, mailUseTls: false };
    server = await TestApp.start({ settings: mail });
  };
  afterEach(async () => {
    await server.stop();
    await sink.stop();
  });

  it('gets a mail again that it could not take, as the same mail with a link that works', async () => {
    await startWith();
    sink.verdict = (earlier) => (earlier === 0 ? { code: 451, text: 'try again later' } : undefined);
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await until(() => sink.to(user.email).length === 1, 'the first try');
    await until(() => server.retryNow().then(() => sink.to(user.email).length === 2), 'the second try');
    const [first, second] = await Promise.all(sink.to(user.email).map(({ raw }) => PostalMime.parse(raw)));
    expect(second!.messageId).toBe(first!.messageId);
    const [, token] = /reset_password\/([\w.-]+)/.exec(second!.text!)!;
    await server.confirm(token!, NEW_PASSWORD).expect(204);
  });

  it('gets no mail again that it refused for good, and nobody who asks sees a difference', async () => {
    await startWith();
    sink.verdict = () => ({ code: 550, text: '5.1.1 no such mailbox' });
    const user = await server.createUser();
    const answer = await server.ask(user.email).expect(202);
    await until(() => sink.to(user.email).length === 1, 'the try');
    await server.idle();
    await server.retryNow();
    await server.idle();
    expect(sink.to(user.email)).toHaveLength(1);
    expect((await server.ask(`nobody.${user.email}`)).text).toBe(answer.text);
  });

  it('may be away: asking works as ever, and the mail comes when it is back', async () => {
    const port = await freePort();
    await startWith(port);
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    const failed = `SELECT 1 FROM latchkey.jobs WHERE state = 'waiting' AND tries > 0`;
    await until(async () => (await server.database.query<unknown[]>(failed)).length > 0, 'a failed try');
    await sink.start(port);
    await until(() => server.retryNow().then(() => sink.to(user.email).length > 0), 'the mail');
    await server.idle();
  });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
