import type { Settings } from '../../src/server/settings';
import { MailRoad } from '../../src/mail';
import { selfSigned } from '../support/certificates';
import { SmtpWire } from '../support/smtp-wire';
import { TestApp } from '../support/test-app';

const certificate = selfSigned();
const SECRET = { mailUsername: 'susan', mailPassword: 'a password of the mail server' };

describe('the road to the mail server', () => {
  let wire: SmtpWire;
  let server: TestApp;

  const start = async (settings: Partial<Settings> = {}) => {
    const port = await wire.start();
    server = await TestApp.start({ settings: { mailServer: '127.0.0.1', mailPort: port, ...settings } });
  };
  const request = async () => {
    const { email } = await server.createUser();
    await server.ask(email).expect(202);
    await server.idle();
  };

  beforeEach(() => {
    wire = new SmtpWire();
  });
  afterEach(async () => {
    await server.database.query(`DELETE FROM latchkey.jobs WHERE state = 'waiting' AND tries > 0`);
    await server.stop();
    await wire.stop();
  });

  describe.each<[string, Partial<Settings>]>([
    ['a password is to be protected', SECRET],
    ['TLS is demanded', { mailUseTls: true }],
  ])('A99 STARTTLS stripping: where %s, neither password nor mail leave', (_, settings) => {
    it.each<[string, Partial<SmtpWire>]>([
      ['the offer is taken out', { ehlo: '250-wire\r\n250 AUTH PLAIN LOGIN' }],
      ['the command is refused', { startTls: '454 4.7.0 not now' }],
      ['somebody else answers, with a certificate of their own', { startTls: '220 go on', certificate }],
      ['EHLO is refused, so that there is nothing to offer', { ehlo: '502 no' }],
    ])('when %s', async (_, attack) => {
      Object.assign(wire, { ehlo: '250-wire\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN' }, attack);
      await start(settings);
      await request();
      expect(wire.connections).toBeGreaterThan(0);
      expect(wire.commands.filter((line) => !/^(EHLO|HELO|STARTTLS|QUIT)\b/.test(line))).toEqual([]);
      expect(server.app.get(MailRoad).state).toMatchObject({ status: 'down' });
    });
  });

  describe('A100 mail road as an oracle: that mails leave again tells nobody outside of accounts', () => {
    it.each(['X-Forwarded-For', 'Forwarded', 'Via'])('who comes through a proxy (%s)', async (header) => {
      wire.greeting = '554 no';
      await start();
      const detail = async (name: string, value: string) => {
        const { body } = await server.http.get('/health/ready?verbose').set(name, value).expect(200);
        return (body as { details: object }).details;
      };
      const before = await detail(header, '127.0.0.1');
      await request();
      expect(await detail('Accept', '*/*')).toMatchObject({ mail: { status: 'down' } });
      expect(await detail(header, '127.0.0.1')).toEqual(before);
    });
  });
});
