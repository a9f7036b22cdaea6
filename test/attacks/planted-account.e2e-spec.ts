import { randomUUID } from 'node:crypto';
import { Mailer } from '../../src/mail';
import { User, UsersService } from '../../src/users';
import { readJwt } from '../support/jwt';
import type { CaughtMail } from '../support/mail-reader';
import { PASSWORD, TestApp } from '../support/test-app';
import { changeAddress } from './links';
import {
  cookieOf,
  linkedToken,
  mailsCausedBy,
  NEW_PASSWORD,
  postJson,
  signIn,
  startTarget,
  submit,
} from './support';

/** What a stranger types into a registration: words, a link and a language for somebody else. */
const PLANTED = { username: 'Call 555-0100 now', locale: 'zh-TW' };
const STRANGERS_PASSWORD = 'the stranger keeps this one';

describe('a planted account', () => {
  let server: TestApp;
  let local: string;
  let email: string;

  beforeAll(async () => {
    server = await startTarget();
  });
  afterAll(() => server.stop());

  beforeEach(() => {
    local = `susan.${randomUUID().slice(0, 8)}`;
    email = `${local}@example.com`;
  });

  /** Another spelling of the same address. */
  const shouted = () => `${local.toUpperCase()}@example.com`;

  const register = (address: string, fields: object = {}) => {
    server.clock.advance(61);
    const body = { email: address, username: 'Susan', password: PASSWORD, ...fields };
    return mailsCausedBy(server, () => postJson(server, '/api/users', JSON.stringify(body)).expect(202));
  };
  const plant = () => register(shouted(), { ...PLANTED, password: STRANGERS_PASSWORD });
  const ask = (address: string) => mailsCausedBy(server, () => server.ask(address).expect(202));
  const me = async (password: string) => {
    const { body } = await server.login(email, password).expect(200);
    const answer = await server.me((body as { accessToken: string }).accessToken).expect(200);
    const { email: stored, username, locale } = answer.body as Record<string, unknown>;
    return { email: stored, username, locale };
  };
  const verify = (token: string, password = PASSWORD) =>
    postJson(server, '/api/users/verify', JSON.stringify({ token, password }));

  describe('A87 planted attributes: the person who proves the address brings every one', () => {
    it('by the link of their own registration', async () => {
      await plant();
      const [mail] = await register(email, { username: 'Susan Jones', locale: 'en-US' });
      expect(mail!.envelope.to).toEqual([email]);
      await verify(linkedToken(mail!, 'verify_email')).expect(204);
      expect(await me(PASSWORD)).toEqual({ email, username: 'Susan Jones', locale: 'en' });
    });

    it('also when the stranger comes last', async () => {
      const [mail] = await register(email, { locale: 'en' });
      await plant();
      await verify(linkedToken(mail!, 'verify_email')).expect(204);
      expect(await me(PASSWORD)).toEqual({ email, username: 'Susan', locale: 'en' });
    });

    it('and a reset, which brings none, leaves none', async () => {
      await plant();
      const [mail] = await ask(email);
      const token = linkedToken(mail!, 'reset_password');
      const [notice] = await mailsCausedBy(server, () => server.confirm(token, NEW_PASSWORD).expect(204));
      expect(await me(NEW_PASSWORD)).toEqual({ email, username: local, locale: null });
      for (const words of [PLANTED.username, shouted(), '密碼']) expect(notice!.source).not.toContain(words);
      const row = 'SELECT * FROM latchkey.users WHERE email_key = $1';
      expect(JSON.stringify(await server.database.query(row, [email]))).not.toMatch(/Call|zh-TW|SUSAN/);
    });

    it('and a reset of a proven account changes none', async () => {
      const user = await server.createUser({ email: shouted(), username: 'Susan Jones', locale: 'zh-TW' });
      await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
      expect(await me(NEW_PASSWORD)).toEqual({ email: shouted(), username: 'Susan Jones', locale: 'zh-TW' });
    });

    it('nor does a planted name have a say in which password is good', async () => {
      await register(email, { username: NEW_PASSWORD, password: STRANGERS_PASSWORD });
      const [mail] = await ask(email);
      await server.confirm(linkedToken(mail!, 'reset_password'), NEW_PASSWORD).expect(204);
    });
  });

  describe('A88 a stranger’s words in our mail: an address that is not proven gets none of them', () => {
    const expectOurWordsOnly = ({ source, text, html, envelope }: CaughtMail, to: string) => {
      expect(envelope.to).toEqual([to]);
      for (const part of [text, html]) expect(part).toContain('Hello,');
      for (const words of ['555', 'Mallory', '您', 'lang="zh-TW"']) expect(text + html).not.toContain(words);
      expect(source).toMatch(/^Subject: \[Latchkey\] [A-Z]/m);
    };

    it('in the link of a registration', async () => {
      const [mail] = await plant();
      expectOurWordsOnly(mail!, shouted());
    });

    it('in the link of a reset', async () => {
      await plant();
      const [mail] = await ask(shouted());
      expectOurWordsOnly(mail!, email);
    });

    it('in the link of a change of address', async () => {
      const stranger = await server.createUser({ username: 'Mallory 555', locale: 'zh-TW' });
      await changeAddress(server, stranger, email);
      expectOurWordsOnly(server.mails.to(email)[0]!, email);
    });

    it('while the page behind the link shows a name as what somebody has chosen', async () => {
      const [mail] = await plant();
      const { text } = await server.http
        .get(`/verify_email/${linkedToken(mail!, 'verify_email')}`)
        .expect(200);
      expect(text).toContain('Name chosen at registration');
      expect(text).toContain(`“${PLANTED.username}”`);
    });
  });

  describe('A89 access from before an account was disabled: it is dead for good', () => {
    const users = () => server.app.get(UsersService);
    const disableAndEnable = async ({ id }: User) => {
      expect(await users().disable(id)).toBe(true);
      expect(await users().enable(id)).toBe(true);
    };
    /** As an operator did before there was a command. */
    const disableInTable = async ({ id }: User) => {
      await server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [id]);
      expect(await users().enable(id)).toBe(true);
    };

    let user: User;
    beforeEach(async () => {
      user = await server.createUser({ email });
    });

    describe.each([
      ['disabled and enabled again', disableAndEnable],
      ['disabled in the table and enabled by us', disableInTable],
    ])('of an account that was %s', (_, interrupt) => {
      it('a session, in a browser and in a program', async () => {
        const [token, browser] = [await server.accessTokenFor(user), server.browser()];
        await signIn(browser, email, PASSWORD);
        await interrupt(user);
        await server.me(token).expect(401);
        expect(cookieOf(browser)).toBeDefined();
        expect((await browser.get('/account')).headers['location']).toBe('/login');
        await server.me(await server.accessTokenFor(user)).expect(200);
      });

      it('a reset link', async () => {
        const token = await server.tokenFor(user);
        await interrupt(user);
        await server.look(token).expect(410);
        await server.confirm(token, NEW_PASSWORD).expect(410);
        await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
      });

      it('a registration link', async () => {
        const address = `new.${email}`;
        const [mail] = await register(address);
        const id = await idOf(address);
        await interrupt({ ...user, id });
        await verify(linkedToken(mail!, 'verify_email')).expect(410);
        const [next] = await register(address);
        await verify(linkedToken(next!, 'verify_email')).expect(204);
      });

      it('both links of a change of address', async () => {
        const { confirm, cancel } = await changeAddress(server, user);
        await interrupt(user);
        await postJson(server, '/api/email-change/confirm', JSON.stringify({ token: confirm })).expect(400);
        await postJson(server, '/api/email-change/cancel', JSON.stringify({ token: cancel })).expect(400);
        await server.login(email, PASSWORD).expect(200);
      });

      it('a link "this was not me": it ends no session, seals no password and stops no mail', async () => {
        const [mail] = await ask(email);
        const notMe = linkedToken(mail!, 'not_me');
        const token = linkedToken(mail!, 'reset_password');
        const [notice] = await mailsCausedBy(server, () => server.confirm(token, NEW_PASSWORD).expect(204));
        await interrupt(user);
        const session = await server.accessTokenFor(user, NEW_PASSWORD);
        for (const link of [notMe, linkedToken(notice!, 'not_me')]) await server.disavow(link);
        await server.me(session).expect(200);
        await server.login(email, NEW_PASSWORD).expect(200);
        expect(await ask(email)).toHaveLength(1);
      });
    });

    it('and while it is disabled, nothing is good either', async () => {
      const [session, reset] = [await server.accessTokenFor(user), await server.tokenFor(user)];
      const notMe = linkedToken(server.mails.to(email)[0]!, 'not_me');
      await users().disable(user.id);
      await server.me(session).expect(401);
      await server.login(email, PASSWORD).expect(401);
      for (const answer of [server.confirm(reset, NEW_PASSWORD), server.disavow(notMe)])
        expect((await answer).status).toBeGreaterThanOrEqual(400);
      expect((await server.http.get(`/not_me/${notMe}`)).headers['location']).toBe('/login');
      expect(await ask(email)).toEqual([]);
    });

    it.each<[string, () => Promise<string>, (link: string) => PromiseLike<unknown>]>([
      ['of a reset', () => Promise.resolve(''), () => server.ask(email).expect(202)],
      ['of a notice', () => server.tokenFor(user), (link) => server.confirm(link, NEW_PASSWORD).expect(204)],
    ])('and a link %s that waits for the mail server never leaves', async (_, prepare, act) => {
      const link = await prepare();
      const busy = jest.spyOn(server.app.get(Mailer), 'send').mockRejectedValue(new Error('try again later'));
      await act(link);
      await server.idle();
      expect(busy).toHaveBeenCalled();
      busy.mockRestore();
      await disableAndEnable(user);
      const mails = await mailsCausedBy(server, () => server.retryNow());
      expect(mails).toEqual([]);
    });

    it('nor is a reset link made for an account that is disabled at this very moment', async () => {
      const lockFree = users().lockFree.bind(users());
      const disabling = jest.spyOn(users(), 'lockFree').mockImplementationOnce(async (ids) => {
        await users().disable(user.id);
        return lockFree(ids);
      });
      expect(await ask(email)).toEqual([]);
      disabling.mockRestore();
      await users().enable(user.id);
      const rows = 'SELECT 1 FROM latchkey.password_resets WHERE user_id = $1 AND revoked_at IS NULL';
      expect(await server.database.query(rows, [user.id])).toEqual([]);
    });

    it('nor is one made by a worker that had to wait for the account', async () => {
      const lock = users().lock.bind(users());
      const busy = jest.spyOn(users(), 'lockFree').mockResolvedValueOnce(new Map());
      const disabling = jest.spyOn(users(), 'lock').mockImplementationOnce(async (id) => {
        await users().disable(id);
        return lock(id);
      });
      expect(await ask(email)).toEqual([]);
      expect(disabling).toHaveBeenCalled();
      for (const spy of [busy, disabling]) spy.mockRestore();
    });

    const idOf = async (address: string): Promise<string> => {
      const row = 'SELECT id FROM latchkey.users WHERE email_key = $1';
      return (await server.database.query<[{ id: string }]>(row, [address]))[0].id;
    };
  });

  describe('A90 thief of one session: cannot end the owner’s', () => {
    let user: User;
    let thief: string;
    let owner: string;

    beforeEach(async () => {
      user = await server.createUser({ email });
      [thief, owner] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
    });

    const sessionOf = (accessToken: string) => String(readJwt(accessToken).claims['jti']);

    it.each<[string, object | undefined, number]>([
      ['nothing', undefined, 400],
      ['an empty body', {}, 400],
      ['null', { currentPassword: null }, 400],
      ['a wrong password', { currentPassword: STRANGERS_PASSWORD }, 403],
      ['an empty password', { currentPassword: '' }, 403],
    ])('with %s at the API', async (_, body, status) => {
      const attempt = server.http
        .delete(`/api/sessions/${sessionOf(owner)}`)
        .set('Authorization', `Bearer ${thief}`);
      await (body ? attempt.send(body) : attempt).expect(status);
      await server.me(owner).expect(200);
    });

    it('on the page', async () => {
      const browser = server.browser();
      await signIn(browser, email, PASSWORD);
      const path = `/sessions/${sessionOf(owner)}/end`;
      for (const currentPassword of ['', STRANGERS_PASSWORD]) {
        const fields = { currentPassword };
        const { status } = await submit(browser, path, fields, { formOf: path });
        expect(status).toBe(403);
      }
      await server.me(owner).expect(200);
      const answer = await submit(browser, path, { currentPassword: PASSWORD }, { formOf: path });
      expect([answer.status, answer.headers['location']]).toEqual([303, '/account']);
      await server.me(owner).expect(401);
    });

    it('while the owner ends the thief’s', async () => {
      await server.endSession(owner, sessionOf(thief)).expect(204);
      await server.me(thief).expect(401);
      await server.me(owner).expect(200);
    });
  });
});
