import { randomUUID } from 'node:crypto';
import { UsersOptions } from '../../src/users';
import { Account, tokenOf } from '../support/account';
import { Registrations } from '../support/registrations';
import { notMeTokenIn, PASSWORD, TestApp, tokenIn } from '../support/test-app';
import { mailsCausedBy, NEW_PASSWORD, startTarget } from './support';

const OWNERS_PASSWORD = 'the owner took it back with this';

describe('limits that strangers use up', () => {
  let server: TestApp;
  let account: Account;
  let registrations: Registrations;

  beforeAll(async () => {
    server = await startTarget({ settings: { trustProxy: 1, resetCooldown: 60, resetMailsPerHour: 2 } });
    server.app.get(UsersOptions).hashQueueLimit = 1000;
    account = new Account(server);
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());

  describe('A84 reset mails used up: strangers’ requests do not keep the owner without a link', () => {
    it('not for a moment of ninety minutes, and fill no mailbox', async () => {
      const { email } = await server.createUser();
      const moments = Array.from({ length: 45 }, (_, n) => n);
      const mails = await mailsCausedBy(server, async () => {
        for (const moment of moments) {
          await server.ask(email).expect(202);
          await server.idle();
          const latest = server.mails.to(email).at(-1)!;
          await server.look(tokenIn(latest.text)).expect(200);
          server.clock.advance(moment % 9 ? 120 : 121);
        }
      });
      // Two at once, then one each ten minutes.
      expect(mails.length).toBeGreaterThan(6);
      expect(mails.length).toBeLessThanOrEqual(2 + 9);
    });

    it('not after "this was not me" has made the password useless: a request a minute later sends', async () => {
      const user = await server.createUser();
      const request = async () => {
        await server.ask(user.email).expect(202);
        await server.idle();
        return server.mails.to(user.email).at(-1)!.text;
      };
      for (let n = 0; n < 5; n++) {
        await request();
        server.clock.advance(61);
      }
      const seen = server.mails.countTo(user.email);
      await server.confirm(tokenIn(await request()), NEW_PASSWORD).expect(204);
      const notice = await server.mails.next(user.email, seen);
      await server.disavow(notMeTokenIn(notice.text)).expect(204);
      await server.login(user.email, NEW_PASSWORD).expect(401);
      for (let n = 0; n < 5; n++) {
        await request();
        server.clock.advance(11);
      }
      server.clock.advance(6);
      await server.confirm(tokenIn(await request()), OWNERS_PASSWORD).expect(204);
      await server.login(user.email, OWNERS_PASSWORD).expect(200);
    });
  });

  describe('A85 wrong passwords used up: those of strangers at the sign-in are not those of the owner inside', () => {
    const guess = async (email: string) => {
      for (let n = 0; n < 110; n++)
        await server
          .login(email, 'a wrong password')
          .set('X-Forwarded-For', `10.85.${Math.floor(n / 10)}.1`)
          .expect(401);
      await server.login(email, PASSWORD).set('X-Forwarded-For', '10.86.0.1').expect(401);
    };

    it('so the owner changes the address and the password', async () => {
      const [user, email] = [await server.createUser(), `${randomUUID()}@example.com`];
      const session = await server.accessTokenFor(user);
      await guess(user.email);
      await account.changeEmail(session, email).expect(202);
      tokenOf('confirm_email', (await server.mails.next(email)).text);
      await account.changePassword(session, NEW_PASSWORD).expect(200);
      await server.login(user.email, NEW_PASSWORD).expect(200);
    });

    it('and those of a thief of the session keep nobody from signing in', async () => {
      const user = await server.createUser();
      const stolen = await server.accessTokenFor(user);
      for (let n = 0; n < 15; n++)
        await account.changePassword(stolen, NEW_PASSWORD, 'a wrong password').expect(403);
      await account.changePassword(stolen, NEW_PASSWORD).expect(403);
      const own = await server.accessTokenFor(user);
      await account.changePassword(own, NEW_PASSWORD).expect(200);
    });
  });

  describe('A86 sub-addresses: twenty of them are one mailbox', () => {
    const someMailbox = () => {
      const name = randomUUID();
      const addresses = Array.from({ length: 20 }, (_, n) => `${name}+${n}@example.com`);
      const mails = () => [`${name}@example.com`, ...addresses].flatMap((email) => server.mails.to(email));
      return { email: `${name}@example.com`, addresses, mails };
    };

    it('that gets one mail of twenty registrations at the same moment, and few of an hour of them', async () => {
      const { addresses, mails } = someMailbox();
      await Promise.all(addresses.map((email) => registrations.register(email).expect(202)));
      await server.idle();
      expect(mails()).toHaveLength(1);
      for (let n = 0; n < 30; n++) {
        server.clock.advance(120);
        await registrations.register(addresses[n % 20]!).expect(202);
        await server.idle();
      }
      expect(mails().length).toBeGreaterThan(5);
      expect(mails().length).toBeLessThanOrEqual(2 + 6);
    });

    it('that gets no mail for each of them by requests for resets either', async () => {
      const { addresses, mails } = someMailbox();
      await Promise.all(addresses.map((email) => registrations.register(email).expect(202)));
      await server.idle();
      server.clock.advance(61);
      await Promise.all(addresses.map((email) => server.ask(email).expect(202)));
      await server.idle();
      expect(mails()).toHaveLength(2);
    });

    it('that gets one mail of registrations and changes of address together', async () => {
      const { email, addresses, mails } = someMailbox();
      const sessions = [];
      for (let n = 0; n < 4; n++) sessions.push(await server.accessTokenFor(await server.createUser()));
      await registrations.register(email).expect(202);
      await server.idle();
      await Promise.all(
        sessions.map((session, n) => account.changeEmail(session, addresses[n]!).expect(202)),
      );
      await server.idle();
      expect(mails()).toHaveLength(1);
    });

    it('whose owner gets the mail of a change of address a cool-down later, whatever strangers register', async () => {
      const { email, addresses } = someMailbox();
      const session = await server.accessTokenFor(await server.createUser());
      for (const address of addresses.slice(0, 3)) {
        server.clock.advance(601);
        await registrations.register(address).expect(202);
        await server.idle();
      }
      await account.changeEmail(session, email).expect(202);
      await server.idle();
      expect(server.mails.countTo(email)).toBe(0);
      for (let seconds = 0; seconds < 60; seconds += 30) {
        await registrations.register(addresses[4]!).expect(202);
        server.clock.advance(30.5);
      }
      await server.retryNow();
      await server.idle();
      tokenOf('confirm_email', (await server.mails.next(email)).text);
    });

    it('whose owner proves the address by a reset, though strangers keep registrations from being answered', async () => {
      const { email, addresses } = someMailbox();
      for (let n = 0; n < 3; n++) {
        await registrations.register(addresses[n]!).expect(202);
        await server.idle();
        server.clock.advance(61);
      }
      await registrations.register(email).expect(202);
      await server.idle();
      expect(server.mails.countTo(email)).toBe(0);
      await server.ask(email).expect(202);
      await server.confirm(tokenIn((await server.mails.next(email)).text), OWNERS_PASSWORD).expect(204);
      await server.login(email, OWNERS_PASSWORD).expect(200);
    });
  });
});
