// F2: the process that mails is killed, at any moment and above all between the mail server's 250 and the record of it.
import { once } from 'node:events';
import { copies } from '../invariants/mails.mjs';
import { milliseconds, row } from '../report.mjs';
import { delay, inParallel, quantile, rounds } from '../time.mjs';

const MAILS_A_KILL = 20;
const HELD = `SELECT id FROM latchkey_jobs.job WHERE state = 'active' AND name = 'password-reset'`;

export const f02 = {
  id: 'F2',
  title: 'kill -9 of the mail worker',
  limitSeconds: { quick: 180, full: 1800 },
  async run(world, { quick, say, random }) {
    const [most, seconds] = quick ? [6, 60] : [200, 700];
    await world.seed(most * MAILS_A_KILL);
    const web = await world.startServer({ ROLE: 'web' });
    const worker = world.addServer({ ROLE: 'worker' });
    const killedAt = new Map();
    let kills = 0;
    for (const n of rounds(most, seconds)) {
      const asks = inParallel(world.nextEmails(MAILS_A_KILL), 4, (email) => world.ask(web, email));
      await worker.start();
      await asks;
      await momentToKill(world.sink, random);
      await worker.end('SIGKILL');
      kills = n;
      const { rows } = await world.database.query(HELD);
      for (const { id } of rows) killedAt.set(id, Date.now());
      if (n % 10 === 0) say(`${n} of ${most} kills, ${killedAt.size} jobs were held`);
    }
    await worker.start();
    const settled = await world.settle(180_000);
    return [...(await recoveryRows(world, killedAt, settled)), copiesRow(world, kills, killedAt.size)];
  },
};

/** Three of four times just after a 250 of the mail server, before the program can have noted it. */
async function momentToKill(sink, random) {
  if (random.chance(0.25)) return delay(random.between(0, 400));
  for (let left = Math.ceil(random.between(0, 6)); left > 0; left--)
    await Promise.race([once(sink, 'message'), delay(1500)]);
  await delay(random.between(0, 3));
}

async function recoveryRows(world, killedAt, settled) {
  const { rows } = await world.database.query(
    "SELECT id, completed_on FROM latchkey_jobs.job WHERE name = 'password-reset' AND state = 'completed' AND id = ANY($1)",
    [[...killedAt.keys()]],
  );
  const times = rows.map(({ id, completed_on }) => completed_on.getTime() - killedAt.get(id));
  const p99 = quantile(times, 0.99);
  return [
    row(
      'asks answered with 202 while workers were killed; lost ones: see I1',
      world.asked.size,
      `all done ${milliseconds(settled)} after the last start`,
      '≤ 180 s',
      settled !== undefined,
    ),
    row(
      'jobs held at a kill: done again after, p99',
      killedAt.size,
      `${times.length} done, ${milliseconds(p99)}`,
      'all, ≤ 60 s',
      times.length === killedAt.size && (times.length === 0 || p99 <= 60_000),
    ),
  ];
}

/** No protocol can do better than one copy of each mail whose record was cut off (RFC 5321, 6.1). */
function copiesRow(world, kills, held) {
  const { extra, different, differentBytes } = copies(world.messages);
  return row(
    'copies (same Message-ID); with another link; with other bytes',
    kills,
    `${extra}; ${different}; ${differentBytes}`,
    `≤ ${held} (those held at a kill); 0; any`,
    extra <= held && different === 0,
  );
}
