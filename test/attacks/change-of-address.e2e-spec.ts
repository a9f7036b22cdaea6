import { EmailChangeMoves } from '../../src/account';
import { User, UsersService } from '../../src/users';
import { PASSWORD, TestApp } from '../support/test-app';
import { changeAddress, CONFIRM_EMAIL, LinkKind, someAddress, useLink } from './links';
import {
  allMails,
  expectNoEffect,
  linkedToken,
  mailsCausedBy,
  NEW_PASSWORD,
  postJson,
  startTarget,
  submit,
} from './support';

const A_DAY = 86_400;
const CANCEL_EMAIL: LinkKind['routes'][number] = ['/api/email-change/cancel', {}];
const DISAVOW: LinkKind['routes'][number] = ['/api/password-reset/disavow', {}];

describe('a change of address', () => {
  let server: TestApp;
  let user: User;

  beforeAll(async () => {
    server = await startTarget();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    user = await server.createUser();
  });

  const emailOf = async ({ id }: User) => (await server.app.get(UsersService).findById(id))?.email;

  describe('A91 a moment with the mailbox: it does not take the account for good', () => {
    /** Resets the password, and moves the account to a mailbox of their own, within two minutes. */
    async function takeOver(): Promise<{ notMe: string; stop: string; thief: string }> {
      const reset = await server.tokenFor(user);
      const [notice] = await mailsCausedBy(server, () => server.confirm(reset, NEW_PASSWORD).expect(204));
      const thief = await server.accessTokenFor(user, NEW_PASSWORD);
      const email = someAddress();
      const wish = JSON.stringify({ email, currentPassword: NEW_PASSWORD });
      const mails = await mailsCausedBy(server, () =>
        postJson(server, '/api/users/me/email', wish, thief).expect(202),
      );
      const link = linkedToken(
        mails.find(({ envelope }) => envelope.to.includes(email))!,
        'confirm_email',
      );
      const [held] = await mailsCausedBy(server, () =>
        useLink(server, ['/api/email-change/confirm', {}], link, thief).expect(202),
      );
      return { notMe: linkedToken(notice!, 'not_me'), stop: linkedToken(held!, 'cancel_email'), thief };
    }

    it.each(['stop', 'notMe'] as const)(
      'to an owner who follows the mail with %s, hours later',
      async (how) => {
        const links = await takeOver();
        server.clock.advance(A_DAY - 600);
        try {
          await useLink(server, how === 'stop' ? CANCEL_EMAIL : DISAVOW, links[how]).expect(204);
          await server.me(links.thief).expect(401);
          server.clock.advance(61);
          const own = await server.tokenFor(user);
          await server.confirm(own, 'the owner is back for good').expect(204);
          server.clock.advance(A_DAY);
          await server.app.get(EmailChangeMoves).moveDue();
          expect(await emailOf(user)).toBe(user.email);
          await server.login(user.email, NEW_PASSWORD).expect(401);
        } finally {
          server.clock.advance(-2 * A_DAY + 539);
        }
      },
    );
  });

  it('A92 a warning that is overtaken: the link of any of them stops what is pending', async () => {
    const [first, second] = [await changeAddress(server, user), await changeAddress(server, user)];
    const thief = await server.accessTokenFor(user);
    await useLink(server, CANCEL_EMAIL, first.cancel).expect(204);
    await server.me(thief).expect(401);
    await useLink(server, CONFIRM_EMAIL, second.confirm).expect(410);
    expect(await emailOf(user)).toBe(user.email);
  });

  it('A93 an account that is not mine: a link alone binds it to nobody', async () => {
    const [reader, { confirm }] = [await server.createUser(), await changeAddress(server, user)];
    const session = await server.accessTokenFor(reader);
    await expectNoEffect(server, async () => {
      await useLink(server, ['/api/email-change/confirm', {}], confirm).expect(401);
      await useLink(server, ['/api/email-change/confirm', {}], confirm, session).expect(401);
      await useLink(server, ['/api/email-change/confirm', { password: NEW_PASSWORD }], confirm).expect(403);
      const page = await submit(server.browser(), `/confirm_email/${confirm}`, {});
      expect([page.status, page.text]).toEqual([
        403,
        expect.stringContaining('not the password of the account'),
      ]);
    });
  });

  it('A94 an old mailbox: its links do nothing to an account that has moved on', async () => {
    const reset = await server.tokenFor(user);
    const notMe = linkedToken(
      allMails(server).find(
        ({ text, envelope }) => envelope.to.includes(user.email) && text.includes(reset),
      )!,
      'not_me',
    );
    const { confirm, cancel, email } = await changeAddress(server, user);
    await useLink(server, CONFIRM_EMAIL, confirm).expect(204);
    const session = await server.accessTokenFor({ ...user, email });
    await expectNoEffect(server, async () => {
      for (const [route, token] of [
        [DISAVOW, notMe],
        [CANCEL_EMAIL, cancel],
      ] as const)
        expect((await useLink(server, route, token).expect(410)).body).toMatchObject({
          code: 'ADDRESS_MOVED',
        });
      for (const page of [`/not_me/${notMe}`, `/cancel_email/${cancel}`]) {
        const browser = server.browser();
        expect((await browser.get(page).expect(303)).headers['location']).toBe('/login');
        expect((await browser.get('/login').expect(200)).text).toContain('has another email address now');
      }
    });
    await server.me(session).expect(200);
    await server.login(email, PASSWORD).expect(200);
  });

  it('A95 a domain that looks like another: the pages of both links show it as A-labels', async () => {
    const name = someAddress().split('@')[0]!;
    const { confirm, cancel } = await changeAddress(server, user, `${name}@b\u00fccher.example`);
    for (const page of [`/confirm_email/${confirm}`, `/cancel_email/${cancel}`]) {
      const { text } = await server.http.get(page).expect(200);
      expect(text).toContain('@xn--bcher-kva.example');
      expect(text).not.toContain('b\u00fccher');
    }
  });
});
