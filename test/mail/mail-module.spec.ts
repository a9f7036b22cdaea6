import { Test } from '@nestjs/testing';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommonModule, MailModule } from '../../src';
import { MailTemplate } from '../../src/mail';
import { InMemoryDatabaseModule, InMemoryJobsModule, InMemoryLimitsModule } from '../../src/testing';
import { settings } from '../fixtures/settings';

/** Every mail there is, and whether whoever types an address into a form causes it. */
const TO_TYPED_ADDRESS: Record<string, boolean> = {
  'confirm-email': true,
  'email-change-held': false,
  'email-change-notice': true,
  'email-change-started': false,
  'email-changed': false,
  'password-changed': false,
  'registration-notice': true,
  'reset-password': false,
  'sign-in-notice': false,
  'verify-email': true,
};

const SOURCE = join(__dirname, '..', '..', 'src');
const VIEWS = join(__dirname, '..', '..', 'views', 'mail');

/** The templates as they are declared: most are private to the file that makes their mails. */
function declaredTemplates(): MailTemplate[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .flatMap((file) => [
      ...readFileSync(join(SOURCE, file), 'utf8').matchAll(
        /: MailTemplate<[\s\S]*?> =\s+\{([\s\S]*?)\n\s*\};/g,
      ),
    ])
    .map(([, body]) => ({
      name: /name: '([\w-]+)'/.exec(body!)![1]!,
      subject: /subject: '([\w.]+)'/.exec(body!)![1]!,
      ...(/toTypedAddress: true/.test(body!) && { toTypedAddress: true as const }),
    }));
}

describe('the share of the mails that is kept for recovery', () => {
  it('is eaten by no mail to a typed address, of all that there are', () => {
    const templates = declaredTemplates();
    const typed = templates.map(({ name, toTypedAddress }) => [name, toTypedAddress === true]);
    expect(Object.fromEntries(typed)).toEqual(TO_TYPED_ADDRESS);
    expect(templates).toHaveLength(Object.keys(TO_TYPED_ADDRESS).length);
  });

  it('knows every mail that has a text', () => {
    const texts = readdirSync(VIEWS).flatMap((file) => /^(.*)\.text\.pug$/.exec(file)?.[1] ?? []);
    expect(texts.sort()).toEqual(Object.keys(TO_TYPED_ADDRESS));
  });
});

describe('TLS cannot be turned off by a host', () => {
  it.each([
    ['with a password to protect', { username: 'susan' }],
    ['on the port that is for TLS alone', { port: 465 }],
  ])('%s', (_, options) => {
    const mail = { server: 'smtp.example.com', from: 'no-reply@example.com', useTls: false, ...options };
    const imports = [
      InMemoryDatabaseModule,
      InMemoryJobsModule,
      InMemoryLimitsModule,
      CommonModule.forRoot({ secretKey: settings.secretKey }),
      MailModule.forRoot(mail),
    ];
    return expect(Test.createTestingModule({ imports }).compile()).rejects.toThrow(
      'MailModule: "useTls" must not be false with a "username", nor on port 465.',
    );
  });
});
