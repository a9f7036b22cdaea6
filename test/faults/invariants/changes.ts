// I2, I3, I4, I9: passwords, links and sessions.
import { claimsOf } from '../mail';
import { inParallel } from '../time';
import type { Answer, Server } from '../server';
import { type Confirmation, PASSWORD, type World } from '../world';

/** Accounts whose old access is tried again, at most; each try hashes a password. */
const TRIED = 25;

/** I2: no link has set a password twice, by what clients were told and by the record. */
export async function oneSuccessEach({ confirmations, database }: World) {
  // The same link and password once more is answered as done.
  const successes = new Map<string, Set<string>>();
  for (const { token, password, status } of confirmations)
    if (status === 204) successes.set(token, (successes.get(token) ?? new Set<string>()).add(password));
  const { rows } = await database.query<{ id: string }>(`
    SELECT details->>'resetId' AS id FROM latchkey.audit_events
    WHERE act = 'password_reset_completed' AND outcome = 'success' AND details->>'repeated' IS DISTINCT FROM 'true'
    GROUP BY 1 HAVING count(*) > 1`);
  const twice = [...successes].filter(([, passwords]) => passwords.size > 1);
  return {
    n: successes.size,
    wrong: [
      ...twice.map(([token, { size }]) => `${size} passwords set by ${claimsOf(token).jti}`),
      ...rows.map(({ id }) => id),
    ],
  };
}

/**
 * I3: an account has another password exactly when a change of it is on record, and as many versions as changes of anything
 * that gives access.
 */
export async function changesAreOnRecord({ database }: World) {
  const { rows } = await database.query<{ email: string; versions: number; n: number }>(`
    WITH changes AS (
      SELECT user_id, count(*) AS n, count(*) FILTER (WHERE act IN ('password_reset_completed', 'password_changed')) AS passwords
      FROM latchkey.audit_events
      WHERE outcome = 'success' AND details->>'repeated' IS DISTINCT FROM 'true' AND act IN
        ('password_reset_completed', 'password_changed', 'email_change_confirmed', 'email_change_cancelled')
      GROUP BY user_id
    ), seed AS (SELECT password_hash FROM latchkey.users WHERE email = 'first@example.com')
    SELECT u.email, u.credentials_version - 1 AS versions, coalesce(n, 0)::int AS n
    FROM latchkey.users u CROSS JOIN seed LEFT JOIN changes ON user_id = u.id::text
    WHERE u.credentials_version - 1 <> coalesce(n, 0)
      OR (u.password_hash <> seed.password_hash) <> (coalesce(passwords, 0) > 0)`);
  const changed = await database.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM latchkey.users WHERE credentials_version > 1',
  );
  return {
    n: changed.rows[0]!.n,
    wrong: rows.map(({ email, versions, n }) => `${email}: ${versions} versions, ${n} changes on record`),
  };
}

/** I4: after a reset no older session, link or password works; the new password does. */
export async function accessEnds(world: World) {
  const successes = world.confirmations.filter(({ status }) => status === 204);
  const tried = world.random.shuffle(successes).slice(0, TRIED);
  if (tried.length === 0) return { n: 0, wrong: [] };
  const server = await world.anyServer();
  const wrong = await inParallel(tried, 4, (success) => oldAccess(world, server, success));
  return { n: tried.length, wrong: wrong.flat() };
}

async function oldAccess(world: World, server: Server, { email, password }: Confirmation) {
  const wrong: string[] = [];
  const expect = (answer: Answer, status: number, what: string) => {
    if (answer.status !== status) wrong.push(`${what} of ${email}: ${answer.status ?? answer.error}`);
  };
  for (const bearer of world.sessions.get(email) ?? [])
    expect(await server.api.me(bearer), 401, 'an old session');
  for (const { token } of world.mailsTo(email)) {
    const answer = await server.api.inspect(token!);
    if (answer.status === 200) wrong.push(`a link of ${email} is still good`);
  }
  const login = (tried: string) => server.api.login(email, tried);
  expect(await login(PASSWORD), 401, 'the old password');
  // Of several links of one account only the last success counts.
  const own = world.confirmations.filter((one) => one.email === email && one.status === 204);
  const current = world.laterPasswords.get(email) ?? password;
  if (own.length === 1) expect(await login(current), 200, 'the new password');
  return wrong;
}

/** I9: what was answered with 2xx is in the database: passwords and sessions here, requests in I1. */
export async function nothing2xxWasLost({ confirmations, sessions, database }: World) {
  const spent = confirmations.filter(({ status }) => status === 204).map(({ token }) => claimsOf(token).jti);
  const begun = [...sessions.values()].flat().map((token) => claimsOf(token).jti);
  const missing = await database.query<{ id: string }>(
    `SELECT id FROM unnest($1::uuid[]) id
     WHERE NOT EXISTS (SELECT FROM latchkey.password_resets r WHERE r.id = id.id AND r.used_at IS NOT NULL)
     UNION ALL
     SELECT id FROM unnest($2::uuid[]) id
     WHERE NOT EXISTS (SELECT FROM latchkey.audit_events e WHERE e.act = 'session_started' AND e.details->>'sessionId' = id.id::text)`,
    [spent, begun],
  );
  return { n: spent.length + begun.length, wrong: missing.rows.map(({ id }) => id) };
}
