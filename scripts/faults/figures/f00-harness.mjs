// F0: the harness itself. Each invariant is broken on purpose, and has to notice: a check that cannot fail proves nothing.
import { INVARIANTS } from '../invariants/index.mjs';
import { row } from '../report.mjs';

/** What is different in a world, by invariant: in what the harness knows, or in the database until it is undone. */
const BREAKS = {
  I1: () => ({ messages: [] }),
  I2: ({ confirmations }) => ({ confirmations: [...confirmations, ...confirmations] }),
  I3: ({ untouched }) => ({
    sql: `UPDATE latchkey.users SET password_hash = concat(password_hash, 'x') WHERE email = '${untouched}'`,
    undo: `UPDATE latchkey.users SET password_hash = left(password_hash, -1) WHERE email = '${untouched}'`,
  }),
  I4: ({ changed, newSession }) => ({ sessions: new Map([[changed, [newSession]]]) }),
  I5: () => ({
    sql: "UPDATE latchkey_jobs.job SET state = 'active', started_on = now() - interval '1 hour' WHERE name = 'mail'",
    undo: "UPDATE latchkey_jobs.job SET state = 'completed' WHERE name = 'mail'",
  }),
  I6: ({ messages }) => ({ messages: messages.map((one) => ({ ...one, expiresAt: one.at - 1 })) }),
  I7: ({ messages }) => ({ messages: messages.filter(({ kind }) => kind === 'reset') }),
  I8: () => ({
    sql: "UPDATE latchkey.audit_events SET act = 'x' WHERE act = 'session_started'",
    undo: "UPDATE latchkey.audit_events SET act = 'session_started' WHERE act = 'x'",
  }),
  I9: ({ confirmations, unusedToken }) => ({ confirmations: [{ ...confirmations[0], token: unusedToken }] }),
  I10: ({ untouched, unusedToken }) => ({
    sql: `UPDATE latchkey.users SET username = '${unusedToken}' WHERE email = '${untouched}'`,
    undo: `UPDATE latchkey.users SET username = 'Susan' WHERE email = '${untouched}'`,
  }),
};

export const f00 = {
  id: 'F0',
  title: 'the harness notices what is wrong',
  limitSeconds: { quick: 120, full: 120 },
  async run(world) {
    await oneOfEach(world);
    const unnoticed = [];
    for (const [name, breakIt] of Object.entries(BREAKS)) {
      const { sql, undo, ...properties } = breakIt(world);
      if (sql) await world.database.query(sql);
      const { wrong } = await INVARIANTS[name](but(world, properties));
      if (undo) await world.database.query(undo);
      if (wrong.length === 0) unnoticed.push(name);
    }
    const n = Object.keys(BREAKS).length;
    return [
      row(
        'invariants broken on purpose, and noticed',
        n,
        `${n - unnoticed.length}`,
        `${n}`,
        unnoticed.length === 0,
      ),
    ];
  },
};

/** Somebody who has used a link, and somebody who has not. */
async function oneOfEach(world) {
  await world.seed(2);
  const worker = await world.startServer({ ROLE: 'worker' });
  const web = await world.startServer({ ROLE: 'web' });
  const [changed, untouched] = world.nextEmails(2);
  await world.login(web, changed);
  const tokens = await world.tokensFor(web, [changed, untouched]);
  const password = world.newPassword();
  await world.confirm(web, changed, tokens.get(changed)[0], password);
  await world.settle(60_000);
  // It would mend what is broken.
  await worker.end('SIGTERM');
  const older = world.sessions.get(changed);
  const { accessToken: newSession } = await world.login(web, changed, password);
  world.sessions.set(changed, older);
  Object.assign(world, { changed, untouched, newSession, unusedToken: tokens.get(untouched)[0] });
}

/** The same world with other properties. */
function but(world, properties) {
  const descriptors = Object.entries(properties).map(([name, value]) => [name, { value }]);
  return Object.create(world, Object.fromEntries(descriptors));
}
