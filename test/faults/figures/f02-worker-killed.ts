// F2: the process that mails is killed, at any moment and above all between the mail server's 250 and the record of it.
import { once } from 'node:events';
import { figure } from '../figure';
import { copies } from '../invariants/mails';
import { milliseconds, row } from '../report';
import type { Seeded } from '../seeded';
import type { Sink } from '../sink';
import { delay, inParallel, quantile, rounds } from '../time';
import type { World } from '../world';

const MAILS_A_KILL = 20;
const HELD = `SELECT id FROM latchkey.jobs WHERE state = 'active' AND queue = 'password-reset'`;

export const f02 = figure({
  id: 'F2',
  title: 'kill -9 of the mail worker',
  quick: true,
  limitSeconds: { quick: 500, full: 1800 },
  async run(world, { quick, say, random }) {
    const [most, seconds] = quick ? [3, 45] : [200, 700];
    await world.seed(most * MAILS_A_KILL);
    const web = await world.startServer({ ROLE: 'web' });
    const worker = world.addServer({ ROLE: 'worker' });
    const killedAt = new Map<string, number>();
    const recovery = watchRecovery(world, killedAt);
    let kills = 0;
    for (const n of rounds(most, seconds)) {
      const requests = inParallel(world.nextEmails(MAILS_A_KILL), 4, (email) =>
        world.requestReset(web, email),
      );
      await worker.start();
      await requests;
      await momentToKill(world.sink, random);
      await worker.end('SIGKILL');
      kills = n;
      const { rows } = await world.database.query<{ id: string }>(HELD);
      for (const { id } of rows) killedAt.set(id, Date.now());
      if (n % 10 === 0) say(`${n} of ${most} kills, ${killedAt.size} jobs were held`);
    }
    await worker.start();
    const settled = await world.settle(180_000);
    await recovery.stop();
    return [
      ...recoveryRows(world, recovery.times, killedAt.size, settled),
      copiesRow(world, kills, killedAt.size),
    ];
  },
});

/** Three of four times just after a 250 of the mail server, before the program can have noted it. */
async function momentToKill(sink: Sink, random: Seeded) {
  if (random.chance(0.25)) return delay(random.between(0, 400));
  for (let left = Math.ceil(random.between(0, 6)); left > 0; left--)
    await Promise.race([once(sink, 'message'), delay(1500)]);
  await delay(random.between(0, 3));
}

/** A job is deleted when it is done: when that is, shows from outside. A dead one is not done. */
function watchRecovery({ database }: World, killedAt: Map<string, number>) {
  const times = new Map<string, number>();
  const inspect = async () => {
    const open = [...killedAt.keys()].filter((id) => !times.has(id));
    const { rows } = await database.query<{ id: string }>('SELECT id FROM latchkey.jobs WHERE id = ANY($1)', [
      open,
    ]);
    const left = new Set(rows.map(({ id }) => id));
    for (const id of open) if (!left.has(id)) times.set(id, Date.now() - killedAt.get(id)!);
  };
  const timer = setInterval(() => void inspect(), 200);
  const stop = () => {
    clearInterval(timer);
    return inspect();
  };
  return { times, stop };
}

function recoveryRows(world: World, recovered: Map<string, number>, held: number, settled?: number) {
  const times = [...recovered.values()];
  const p99 = quantile(times, 0.99);
  return [
    row(
      'requests answered with 202 while workers were killed; lost ones: see I1',
      world.requested.size,
      `all done ${milliseconds(settled)} after the last start`,
      '≤ 180 s',
      settled !== undefined,
    ),
    row(
      'jobs held at a kill: done again after, p99',
      held,
      `${times.length} done, ${milliseconds(p99)}`,
      'all, ≤ 60 s',
      times.length === held && (times.length === 0 || p99 <= 60_000),
    ),
  ];
}

/** No protocol can do better than one copy of each mail whose record was cut off (RFC 5321, 6.1). */
function copiesRow(world: World, kills: number, held: number) {
  const { extra, different, differentBytes } = copies(world.messages);
  return row(
    'copies (same Message-ID); with another link; with other bytes',
    kills,
    `${extra}; ${different}; ${differentBytes}`,
    `≤ ${held} (those held at a kill); 0; any`,
    extra <= held && different === 0,
  );
}
