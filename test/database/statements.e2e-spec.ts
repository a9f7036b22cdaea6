import { SentStatement, statementsDuring, transactionIn } from '../support/statements';
import { PASSWORD, TestApp } from '../support/test-app';

/** What is written later, and shared by many acts, or is not part of the act. */
const BESIDE = /latchkey\.audit_events|clock_timestamp/;

const textsOf = (statements: readonly SentStatement[]) =>
  statements.map(({ text }) => text).filter((text) => !BESIDE.test(text));

describe('the statements of an act', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start({ settings: { limitPerMinute: 1000, role: 'web' } });
  });
  afterAll(() => server.stop());

  const during = async (work: () => PromiseLike<unknown>) => textsOf(await statementsDuring(work));

  it('to check a session: 1', async () => {
    const session = await server.accessTokenFor(await server.createUser());
    const statements = await during(() => server.me(session).expect(200));
    expect(statements).toHaveLength(1);
  });
});

describe('the statements of a reset', () => {
  let server: TestApp;
  let token: string;

  beforeAll(async () => {
    server = await TestApp.start({ settings: { limitPerMinute: 1000 } });
    const user = await server.createUser();
    await server.accessTokenFor(user);
    token = await server.tokenFor(user);
    await server.idle();
  });
  afterAll(() => server.stop());

  it('to inspect its link: 2, the counters of its source, and the link with its account', async () => {
    const statements = textsOf(await statementsDuring(() => server.look(token).expect(200)));
    expect(statements.filter((text) => !text.includes('latchkey.jobs'))).toEqual([
      expect.stringContaining('latchkey.count_in_order'),
      expect.stringMatching(/password_resets[^]*latchkey\.users/),
    ]);
  });

  it('to inspect that of an account that is gone: the same', async () => {
    const user = await server.createUser();
    const itsToken = await server.tokenFor(user);
    const itsSession = await server.accessTokenFor(user);
    await server.database.query('DELETE FROM latchkey.users WHERE id = $1', [user.id]);
    const statements = textsOf(await statementsDuring(() => server.look(itsToken).expect(400)));
    expect(statements.filter((text) => !text.includes('latchkey.jobs'))).toHaveLength(2);
    await server.me(itsSession).expect(401);
  });

  it('to confirm it: 9 in its transaction, beside its beginning and end', async () => {
    const sent = await statementsDuring(() => server.confirm(token, `${PASSWORD} 2`).expect(204));
    const statements = transactionIn(sent).map(({ text }) => text);
    expect(statements.at(-1)).toBe('COMMIT');
    const ofTimeouts = statements.filter((text) => text.startsWith('SET LOCAL'));
    expect(statements.length - 2 - ofTimeouts.length).toBeLessThanOrEqual(9);
  });
});
