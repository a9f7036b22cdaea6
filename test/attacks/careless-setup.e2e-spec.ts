import { Test } from '@nestjs/testing';
import {
  AuthModule,
  CommonModule,
  MailModule,
  OptionsInput,
  PasswordResetModule,
  PasswordResetOptions,
  UsersModule,
  UsersOptions,
} from '../../src';
import { InMemoryModule, inMemoryStores } from '../../src/testing';
import { settings } from '../fixtures/settings';
import { runProgram, temporaryFolder } from '../support/program';
import { sendAsIs } from '../support/raw-request';
import type { TestApp } from '../support/test-app';
import { allMails, startTarget } from './support';

describe('a careless set-up', () => {
  describe('A103 forgotten NODE_ENV: an address that others reach publishes nobody’s links', () => {
    it.each<Record<string, string>>([
      { HOST: '0.0.0.0' },
      { HOST: '::' },
      { PUBLIC_URL: 'https://id.example.com' },
      { HOST: '0.0.0.0', NODE_ENV: 'test' },
    ])('%p does not start on embedded parts, and says what to set', async (env) => {
      const { status, stdout, stderr } = await runProgram('main', { cwd: temporaryFolder(), env });
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      const lines = stderr.trimEnd().replace('Latchkey cannot start: ', '').split('\n');
      expect(lines.map((line) => line.split(':')[0])).toEqual(['DATABASE_URL', 'MAIL_SERVER', 'SECRET_KEY']);
      for (const line of lines) expect(line).toMatch(/must be set .* would let others in; .*127\.0\.0\.1/);
    });
  });

  describe('A104 DNS rebinding: another site cannot read the mailbox through the browser of a developer', () => {
    let server: TestApp;
    let paths: string[];

    beforeAll(async () => {
      server = await startTarget();
      await server.tokenFor(await server.createUser());
      const { id } = allMails(server)[0]!;
      const parts = ['', '/html', '/text', '/source'].map((part) => `/dev/mailbox/${id}${part}`);
      paths = ['/dev/mailbox', '/dev/mailbox.json', ...parts];
    });
    afterAll(() => server.stop());

    const readAs = (host: string, path: string) => sendAsIs(server.url, path, { headers: { Host: host } });

    it.each([
      'evil.example',
      'evil.example:3000',
      '192.168.1.20:3000',
      '0.0.0.0:3000',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evil.example#localhost',
      'evil@localhost',
      'localhost, evil.example',
      '[::2]:3000',
    ])('under the name %p', async (host) => {
      for (const path of paths) {
        const { status, text } = await readAs(host, path);
        expect([400, 403]).toContain(status);
        expect(text).not.toMatch(/reset_password|@example\.com/);
      }
    });

    it.each(['localhost:3000', 'LOCALHOST', '127.0.0.1:3000', '[::1]:3000', 'id.example.localhost'])(
      'but %s is read',
      async (host) => {
        for (const path of paths) expect((await readAs(host, path)).status).toBe(200);
      },
    );
  });

  describe('A105 options that are no number: no rule is switched off by one', () => {
    const start = (
      users: Partial<UsersOptions>,
      reset: Partial<OptionsInput<PasswordResetOptions>> = {},
      mailsPerHour?: number,
    ) =>
      Test.createTestingModule({
        imports: [
          InMemoryModule,
          CommonModule.forRoot({ secretKey: settings.secretKey }),
          UsersModule.forRoot({ ...users, overrides: inMemoryStores.users }),
          AuthModule.forRoot({ overrides: inMemoryStores.auth }),
          PasswordResetModule.forRoot({
            resetUrl: settings.resetUrl,
            requestUrl: settings.requestUrl,
            ...reset,
            overrides: inMemoryStores.passwordReset,
          }),
          ...(mailsPerHour === undefined ? [] : [MailModule.forRoot({ ...settings.mail, mailsPerHour })]),
        ],
      }).compile();

    it.each<[string, Parameters<typeof start>]>([
      ['UsersModule, passwordMinLength', [{ passwordMinLength: Number(undefined) }]],
      ['UsersModule, bcryptCost', [{ bcryptCost: Number('12 rounds') }]],
      ['PasswordResetModule, tokenTtlSeconds', [{}, { tokenTtlSeconds: 60 * Number(undefined) }]],
      ['PasswordResetModule, mailsPerHour', [{}, { mailsPerHour: NaN }]],
      ['MailModule, mailsPerHour', [{}, {}, Number(undefined)]],
    ])('%s', (name, options) =>
      expect(start(...options)).rejects.toThrow(`${name}: must be a whole number from`),
    );

    it('and with numbers the same host starts', async () => {
      const module = await start({ passwordMinLength: 8 }, { tokenTtlSeconds: 60 });
      await module.close();
    });
  });
});
