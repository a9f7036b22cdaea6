// F28: a worker is paused, in the middle of its mails, for longer than its lease; another takes over; then the first goes on.
import { figure } from '../figure';
import { copies } from '../invariants/mails';
import { row } from '../report';
import type { Server } from '../server';
import type { Phase, Session } from '../sink';
import { delay, inParallel, mustBe, rounds } from '../time';
import type { World } from '../world';

const MAILS_A_WORKER = 5;
/** What a stale worker must not touch any more. */
const FINAL_STATES = `
  SELECT 'reset' AS kind, id::text, concat(mailed_at, ' ', expires_at, ' ', used_at) AS state FROM latchkey.password_resets
  UNION ALL SELECT 'job', id::text, concat(state, ' ', claim) FROM latchkey.jobs`;

export const f28 = figure({
  id: 'F28',
  title: 'a worker is paused past its lease',
  quick: true,
  limitSeconds: { quick: 500, full: 1500 },
  async run(world, { quick, say }) {
    const [most, workers] = quick ? [1, 2] : [10, 4];
    await world.seed(most * workers * MAILS_A_WORKER);
    const web = await world.startServer({ ROLE: 'web' });
    const crew = Array.from({ length: workers }, () => world.addServer({ ROLE: 'worker' }));
    const other = world.addServer({ ROLE: 'worker' });
    let changed = 0;
    for (const round of rounds(most, 700)) {
      await Promise.all(crew.map((worker) => worker.start()));
      const emails = world.nextEmails(workers * MAILS_A_WORKER);
      changed += await pauseAndGoOn(world, { web, crew, other }, emails);
      say(`${round} of ${most} rounds`);
    }
    await world.settle(60_000);
    const copied = copies(world.messages);
    const n = world.used;
    return [
      row(
        'copies of one mail at most; with another link',
        n,
        `${copied.most}; ${copied.different} of ${copied.extra}`,
        '≤ 1; 0',
        copied.most <= 1 && copied.different === 0,
      ),
      row('final states that a stale worker has changed', n, `${changed}`, '0', changed === 0),
    ];
  },
});

interface Parties {
  web: Server;
  crew: Server[];
  other: Server;
}

/** @returns how many final states have changed after the stale workers went on */
async function pauseAndGoOn(world: World, { web, crew, other }: Parties, emails: string[]) {
  const sending = holdInData(world);
  await inParallel(emails, 5, (email) => world.requestReset(web, email));
  await mustBe(() => sending.held >= emails.length, 'mails inside DATA', 30_000);
  for (const worker of crew) worker.child.kill('SIGSTOP');
  sending.goOn();
  world.sink.react = () => undefined;
  await other.start();
  await mustBe(async () => (await world.openJobs()) === 0, 'another worker to take over', 120_000, 500);
  const before = await finalStates(world);
  for (const worker of crew) worker.child.kill('SIGCONT');
  await delay(5000);
  const after = await finalStates(world);
  await Promise.all([...crew, other].map((worker) => worker.end()));
  // Jobs are deleted when they are done: none may be there again.
  return [...new Set([...before.keys(), ...after.keys()])].filter((id) => after.get(id) !== before.get(id))
    .length;
}

/** Holds mails before their text, or after the final dot, until it is told to go on. */
function holdInData(world: World) {
  let goOn = () => undefined as void;
  const after = new Promise<void>((resolve) => (goOn = resolve));
  const sending = { held: 0, goOn };
  const heldAt = new WeakMap<Session, Phase>();
  world.sink.react = (phase, session) => {
    if (phase === 'rcpt') heldAt.set(session, world.random.pick<Phase>(['data', 'body']));
    if (phase !== heldAt.get(session)) return undefined;
    sending.held++;
    return { after };
  };
  return sending;
}

async function finalStates({ database }: World) {
  const { rows } = await database.query<{ kind: string; id: string; state: string }>(FINAL_STATES);
  return new Map(rows.map(({ kind, id, state }) => [`${kind} ${id}`, state]));
}
