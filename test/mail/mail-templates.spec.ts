import { Test } from '@nestjs/testing';
import { join } from 'node:path';
import { CommonModule, MailModule, MailRenderer } from '../../src';
import { passwordChangedMail } from '../../src/mail';
import { InMemoryDatabaseModule, InMemoryJobsModule, InMemoryLimitsModule } from '../../src/testing';
import { settings } from '../fixtures/settings';

const own = join(__dirname, '..', 'fixtures', 'own-mails');

/** The mail modules of a host that has a folder of templates. */
const host = (templatesDirectory: string) =>
  Test.createTestingModule({
    imports: [
      InMemoryDatabaseModule,
      InMemoryJobsModule,
      InMemoryLimitsModule,
      CommonModule.forRoot({
        secretKey: settings.secretKey,
        defaultLocale: 'de',
        localesDirectory: join(own, 'locales'),
      }),
      MailModule.forRoot({ ...settings.mail, appName: 'Gemüsekiste', templatesDirectory }),
    ],
  }).compile();

const susan = { email: 'susan@example.com', locale: null, username: 'Susan' };
const change = {
  changedAt: new Date('2026-11-24T02:46:52Z'),
  source: { ip: '203.0.113.7' },
  requestUrl: settings.requestUrl,
};

describe('the mail templates of a host', () => {
  it('take the place of ours, file by file', async () => {
    const app = await host(join(own, 'templates'));
    const { html, text } = await app
      .get(MailRenderer)
      .render({ ...passwordChangedMail(susan, change), id: 'x' });
    expect(html).toContain('background: #efe');
    expect(text).toContain('Ihr Passwort wurde geändert: 2026-11-24 02:46 UTC, von 203.0.113.7.');
    await app.close();
  });

  it('need not be all: a mail that they lack is ours, in words that can be read', async () => {
    const app = await host(join(own, 'templates'));
    const { subject, html, text } = await app.get(MailRenderer).render({
      id: 'x',
      to: susan.email,
      locale: 'de',
      template: { name: 'sign-in-notice', subject: 'mail.signInNotice.subject' },
      values: {
        username: 'Susan',
        signedInAt: '2026-11-24 02:46 UTC',
        source: '203.0.113.7',
        requestUrl: settings.requestUrl,
      },
    });
    expect(subject).toBe('[Gemüsekiste] Somebody Signed In to Your Account');
    for (const part of [html, text]) {
      expect(part).toContain('Dear Susan,');
      expect(part).not.toMatch(/\bmail\.|{{|undefined/);
    }
    await app.close();
  });

  it('stop the start where their folder is not there, and not the mails later', async () => {
    await expect(host(join(own, 'tempaltes'))).rejects.toThrow(
      /There is no folder of templates at .*tempaltes/,
    );
  });
});
