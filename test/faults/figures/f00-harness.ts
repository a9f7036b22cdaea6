// F0: the harness itself. Each invariant is broken on purpose, and has to notice: a check that cannot fail proves nothing.
import { figure } from '../figure';
import { INVARIANTS } from '../invariants/index';
import { row } from '../report';
import type { World } from '../world';

interface Cast {
  /** The addresses of somebody who has used a link, and of somebody who has not. */
  changed: string;
  untouched: string;
  /** A session that began after the link was used. */
  newSession: string;
  unusedToken: string;
}

interface Break {
  /** Properties of the world that are different. */
  but?: object;
  /** Done to its database, until it is undone. */
  sql?: string;
  undo?: string;
}

const BREAKS: Record<string, (world: World, cast: Cast) => Break> = {
  I1: () => ({ but: { messages: [] } }),
  // With another password: the same link and password once more is answered as done, and is no second change.
  I2: ({ confirmations }) => {
    const second = confirmations.map((one) => ({ ...one, password: `${one.password}, and another` }));
    return { but: { confirmations: [...confirmations, ...second] } };
  },
  I3: (_, { untouched }) => ({
    sql: `UPDATE latchkey.users SET password_hash = concat(password_hash, 'x') WHERE email = '${untouched}'`,
    undo: `UPDATE latchkey.users SET password_hash = left(password_hash, -1) WHERE email = '${untouched}'`,
  }),
  I4: (_, { changed, newSession }) => ({ but: { sessions: new Map([[changed, [newSession]]]) } }),
  I5: () => ({
    sql: `INSERT INTO latchkey.jobs (id, queue, data, request_id, state, lease_until)
      VALUES (gen_random_uuid(), 'nobody', '{}', '', 'active', now() - interval '1 hour')`,
    undo: "DELETE FROM latchkey.jobs WHERE queue = 'nobody'",
  }),
  I6: ({ messages }) => ({
    but: { messages: messages.map((one) => ({ ...one, expiresAt: one.at - 1 })) },
  }),
  I7: ({ messages }) => ({ but: { messages: messages.filter(({ kind }) => kind === 'reset') } }),
  I8: () => ({
    sql: "UPDATE latchkey.audit_events SET act = 'x' WHERE act = 'session_started'",
    undo: "UPDATE latchkey.audit_events SET act = 'session_started' WHERE act = 'x'",
  }),
  I9: ({ confirmations }, { unusedToken }) => ({
    but: { confirmations: [{ ...confirmations[0], token: unusedToken }] },
  }),
  I10: (_, { untouched, unusedToken }) => ({
    sql: `UPDATE latchkey.users SET username = '${unusedToken}' WHERE email = '${untouched}'`,
    undo: `UPDATE latchkey.users SET username = 'Susan' WHERE email = '${untouched}'`,
  }),
};

export const f00 = figure({
  id: 'F0',
  title: 'the harness notices what is wrong',
  quick: true,
  limitSeconds: { quick: 300, full: 300 },
  async run(world) {
    const cast = await oneOfEach(world);
    const unnoticed: string[] = [];
    for (const [name, breakIt] of Object.entries(BREAKS)) {
      const { sql, undo, but = {} } = breakIt(world, cast);
      if (sql) await world.database.query(sql);
      const { wrong } = await INVARIANTS[name]!(worldBut(world, but));
      if (undo) await world.database.query(undo);
      if (wrong.length === 0) unnoticed.push(name);
    }
    const n = Object.keys(INVARIANTS).length;
    const noticed = Object.keys(BREAKS).length - unnoticed.length;
    const names = unnoticed.length > 0 ? ` (not ${unnoticed.join(', ')})` : '';
    return [row('invariants broken on purpose, and noticed', n, `${noticed}${names}`, `${n}`, noticed === n)];
  },
});

async function oneOfEach(world: World): Promise<Cast> {
  await world.seed(2);
  const worker = await world.startServer({ ROLE: 'worker' });
  const web = await world.startServer({ ROLE: 'web' });
  const [changed, untouched] = [world.nextEmail(), world.nextEmail()];
  await world.login(web, changed);
  await world.linksFor(web, [changed, untouched]);
  const password = world.newPassword();
  await world.confirm(web, changed, world.tokenTo(changed), password);
  await world.settle(60_000);
  // It would mend what is broken.
  await worker.end('SIGTERM');
  const older = world.sessions.get(changed)!;
  const { accessToken } = await world.login(web, changed, password);
  world.sessions.set(changed, older);
  return { changed, untouched, newSession: accessToken!, unusedToken: world.tokenTo(untouched) };
}

/** The same world with other properties. */
function worldBut(world: World, properties: object): World {
  const descriptors = Object.entries(properties).map(([name, value]) => [name, { value: value as unknown }]);
  return Object.create(world, Object.fromEntries(descriptors) as PropertyDescriptorMap) as World;
}
