// F29: the clocks of the processes are wrong, each in its own way, or jump. A link lives as long as it shall all the same.
import { join } from 'node:path';
import { figure } from '../figure';
import { row } from '../report';
import type { Server } from '../server';
import { delay, inParallel, mustBe } from '../time';
import type { World } from '../world';

const TTL = 60;
const TOLERANCE = 2;
/** Names, and by how many seconds the clocks of web and worker are wrong at first; where web jumps to when links are out. */
const CASES: [title: string, webSeconds: number, workerSeconds: number, jumpSeconds?: number][] = [
  ['web 5 min ahead, worker 5 min behind', 300, -300],
  ['web 5 min behind, worker 5 min ahead', -300, 300],
  ['web jumps an hour ahead', 0, 0, 3600],
  ['web jumps an hour back', 0, 0, -3600],
];

export const f29 = figure({
  id: 'F29',
  title: 'wrong clocks',
  limitSeconds: { quick: 400, full: 600 },
  async run(world, { quick, random }) {
    const [n, cases] = quick ? [5, random.shuffle(CASES).slice(0, 1)] : [50, CASES];
    await world.seed(cases.length * n);
    const rows = [];
    for (const one of cases) rows.push(await oneCase(world, n, one));
    await world.settle(30_000);
    return rows;
  },
});

async function oneCase(
  world: World,
  n: number,
  [title, webShift, workerShift, jump]: (typeof CASES)[number],
) {
  const start = (role: string, seconds: number) =>
    world.startServer(
      { ROLE: role, RESET_TOKEN_TTL: String(TTL), CLOCK_SHIFT_MS: String(seconds * 1000) },
      { preload: join(__dirname, '..', 'clock.js') },
    );
  const web = await start('web', webShift);
  const worker = await start('worker', workerShift);
  const emails = world.nextEmails(n);
  await inParallel(emails, 4, (email) => world.requestReset(web, email));
  await mustBe(() => emails.every((email) => world.sink.newestTo.has(email)), 'mails', 60_000);
  if (jump) web.child.send({ shiftMs: jump * 1000 });
  const wrong = (await Promise.all(emails.map((email) => lifetime(world, web, email)))).flat();
  await Promise.all([web.end('SIGTERM'), worker.end('SIGTERM')]);
  return row(
    `${title}: links that are not good for ${TTL} s ± ${TOLERANCE} s`,
    n,
    `${wrong.length}${wrong[0] ? `, e.g. ${wrong[0]}` : ''}`,
    '0',
    wrong.length === 0,
  );
}

/** Inspects a link just before it shall die, and just after. */
async function lifetime(world: World, web: Server, email: string) {
  const { at, token } = world.sink.newestTo.get(email)!;
  const wrong: string[] = [];
  for (const [seconds, expected] of [
    [1, 200],
    [TTL - TOLERANCE, 200],
    [TTL + TOLERANCE, 410],
  ] as const) {
    await delay(Math.max(0, at + seconds * 1000 - Date.now()));
    const { status } = await web.api.inspect(token!);
    if (status !== expected) wrong.push(`${status} after ${seconds} s`);
  }
  return wrong;
}
