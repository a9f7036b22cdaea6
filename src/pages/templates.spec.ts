import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Templates, Translations, viewsDirectory } from '../common';

const mails = new Templates(join(viewsDirectory, 'mail'));
const translations = new Translations({ defaultLocale: 'en' });
const link = 'https://id.example.com/reset_password/eyJh.eyJq.Sfl-_1';
const requestUrl = 'https://id.example.com/reset_password_request';
const confirmUrl = 'https://id.example.com/confirm_email/eyJh.eyJq.Sfl-_2';
const cancelUrl = 'https://id.example.com/cancel_email/eyJh.eyJq.Sfl-_3';

function render(template: string, lang: string, values: object = {}): Promise<string> {
  return mails.render(template, {
    t: translations.translator(lang),
    lang,
    appName: 'Tom & Co',
    username: '<b>susan</b>',
    link,
    minutes: 10,
    changedAt: '2025-11-22 11:14 UTC',
    signedInAt: '2025-11-22 11:14 UTC',
    source: '203.0.113.7',
    requestUrl,
    confirmUrl,
    hours: 24,
    cancelUrl,
    days: 7,
    email: 'susan@new.example.com',
    effectiveAt: '2025-11-23 11:14 UTC',
    ...values,
  });
}

describe.each(translations.locales)('mails in %s', (lang) => {
  it.each([
    ['reset-password', link],
    ['password-changed', requestUrl],
    ['sign-in-notice', requestUrl],
    ['confirm-email', confirmUrl],
    ['email-change-started', cancelUrl],
    ['email-change-held', cancelUrl],
    ['email-change-notice', requestUrl],
    ['email-changed', requestUrl],
  ])('%s has one link in its HTML part, and shows its address', async (template, url) => {
    const html = await render(template, lang);
    expect([...html.matchAll(/<a\b[^>]*\bhref="([^"]*)"/g)].map(([, href]) => href)).toEqual([url]);
    expect(html).toContain(`>${url}</p>`);
    expect(html).not.toMatch(/<(img|script|link|table)\b/);
  });

  it.each([
    ['reset-password.text', link],
    ['password-changed.text', requestUrl],
    ['sign-in-notice.text', requestUrl],
    ['confirm-email.text', confirmUrl],
    ['email-change-started.text', cancelUrl],
    ['email-change-held.text', cancelUrl],
    ['email-change-notice.text', requestUrl],
    ['email-changed.text', requestUrl],
  ])('%s has its link once, on a line of its own', async (template, url) => {
    const lines = (await render(template, lang)).split('\n');
    expect(lines.filter((line) => line.includes('://'))).toEqual([url]);
  });

  it.each([
    'reset-password',
    'password-changed',
    'sign-in-notice',
    'email-change-started',
    'email-change-held',
    'email-change-notice',
    'email-changed',
  ])('%s shows a user name, never its markup', async (template) => {
    expect(await render(template, lang)).toContain('&lt;b&gt;susan&lt;/b&gt;');
    expect(await render(`${template}.text`, lang)).toContain('<b>susan</b>');
  });

  it.each(['verify-email', 'confirm-email', 'reset-password'])(
    '%s greets an address that nobody has proven without any name',
    async (template) => {
      const values = template === 'reset-password' ? { username: undefined } : {};
      for (const part of [template, `${template}.text`]) {
        const mail = await render(part, lang, values);
        expect(mail).toContain(translations.translator(lang)('mail.hello'));
        expect(mail).not.toContain('susan');
      }
    },
  );

  it.each(['email-changed', 'email-changed.text'])(
    '%s leads nowhere at the new address',
    async (template) => {
      expect(await render(template, lang, { requestUrl: undefined })).not.toMatch(/:\/\/|href/);
    },
  );

  it.each(['email-change-started', 'email-change-held', 'email-changed'])(
    '%s names the new address',
    async (template) => {
      const email = 'a<b>&co@new.example.com';
      expect(await render(template, lang, { email })).toContain('a&lt;b&gt;&amp;co@new.example.com');
      expect(await render(`${template}.text`, lang, { email })).toContain(email);
    },
  );

  it.each(['email-changed', 'email-changed.text'])('%s is whole without a source', async (template) => {
    const withSource = await render(template, lang);
    expect(withSource).toContain('203.0.113.7');
    const without = await render(template, lang, { source: undefined });
    expect(without).not.toMatch(/203|undefined|false/);
    if (template.endsWith('.text'))
      expect(without.split('\n')).toHaveLength(withSource.split('\n').length - 1);
  });

  it.each(['reset-password', 'reset-password.text'])(
    '%s says when it restores an address',
    async (template) => {
      const restoresEmail = 'susan@old.example.com';
      expect(await render(template, lang)).not.toContain(restoresEmail);
      expect(await render(template, lang, { restoresEmail })).toContain(restoresEmail);
    },
  );

  it.each(['email-change-held', 'email-change-held.text'])('%s says until when', async (template) => {
    expect((await render(template, lang)).match(/2025-11-23 11:14 UTC/g)).toHaveLength(2);
  });

  it.each(readdirSync(join(viewsDirectory, 'mail')).filter((file) => !/^(layout|mixins)/.test(file)))(
    '%s knows all of its texts',
    async (file) => {
      expect(await render(file.replace('.pug', ''), lang)).not.toMatch(/\bmail\.|{{|undefined/);
    },
  );
});

it('writes the mail of the seed document', async () => {
  const text = (await render('reset-password', 'en', { appName: 'blog' })).replace(/<[^>]*>/g, '\n');
  for (const sentence of [
    'Dear &lt;b&gt;susan&lt;/b&gt;,',
    'To reset your password',
    'click here',
    "Alternatively, you can paste the following link in your browser's address bar:",
    'If you have not requested a password reset simply ignore this message.',
    'Sincerely,',
    'The blog Team',
  ]) {
    expect(text).toContain(sentence);
  }
});

it('says how long the link lives, in the singular too', async () => {
  expect(await render('reset-password.text', 'en', { minutes: 1 })).toContain('for 1 minute after');
  expect(await render('reset-password.text', 'en', { minutes: 10 })).toContain('for 10 minutes after');
});

it('never writes unescaped HTML', () => {
  const files = readdirSync(viewsDirectory, { recursive: true }) as string[];
  const unescaped = files
    .filter((file) => file.endsWith('.pug') && !file.endsWith('.text.pug'))
    .filter((file) => /!=|!\{/.test(readFileSync(join(viewsDirectory, file), 'utf8').replaceAll('!==', '')));
  expect(unescaped).toEqual([]);
});
