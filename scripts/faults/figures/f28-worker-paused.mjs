// F28: a worker is paused, in the middle of its mails, for longer than its lease; another takes over; then the first goes on.
import { copies } from '../invariants/mails.mjs';
import { row } from '../report.mjs';
import { delay, inParallel, mustBe, rounds } from '../time.mjs';

const MAILS_A_WORKER = 5;
/** What a stale worker must not touch any more. */
const FINAL_STATES = `
  SELECT 'job' AS kind, id::text, concat(state, ' ', completed_on, ' ', retry_count) AS state FROM latchkey_jobs.job WHERE name NOT LIKE '\\_\\_%'
  UNION ALL SELECT 'reset', id::text, concat(mailed_at, ' ', expires_at, ' ', used_at) FROM latchkey.password_resets`;

export const f28 = {
  id: 'F28',
  title: 'a worker is paused past its lease',
  limitSeconds: { quick: 200, full: 1500 },
  async run(world, { quick, say, random }) {
    const [most, workers] = quick ? [1, 2] : [10, 4];
    await world.seed(most * workers * MAILS_A_WORKER);
    const web = await world.startServer({ ROLE: 'web' });
    const crew = Array.from({ length: workers }, () => world.addServer({ ROLE: 'worker' }));
    const other = world.addServer({ ROLE: 'worker' });
    let changed = 0;
    for (const round of rounds(most, 700)) {
      await Promise.all(crew.map((worker) => worker.start()));
      const emails = world.nextEmails(workers * MAILS_A_WORKER);
      changed += await pauseAndGoOn(world, { web, crew, other, random }, emails);
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
};

/** @returns how many final states have changed after the stale workers went on */
async function pauseAndGoOn(world, { web, crew, other, random }, emails) {
  const sending = holdInData(world, random);
  await inParallel(emails, 5, (email) => world.ask(web, email));
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
  return [...before].filter(([id, state]) => after.get(id) !== state).length;
}

/** Holds mails before their text, or after the final dot, until it is told to go on. */
function holdInData(world, random) {
  let goOn;
  const after = new Promise((resolve) => (goOn = resolve));
  const sending = { held: 0, goOn };
  const heldAt = new WeakMap();
  world.sink.react = (phase, session) => {
    if (phase === 'rcpt') heldAt.set(session, random.pick(['data', 'body']));
    if (phase !== heldAt.get(session)) return undefined;
    sending.held++;
    return { after };
  };
  return sending;
}

async function finalStates({ database }) {
  const { rows } = await database.query(FINAL_STATES);
  return new Map(rows.map(({ kind, id, state }) => [`${kind} ${id}`, state]));
}
