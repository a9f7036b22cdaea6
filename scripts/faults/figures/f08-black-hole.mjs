// F8: the mail server falls silent in one phase on one connection of many. That connection is given up in time, and the other
// mails do not wait for it.
import { milliseconds, row } from '../report.mjs';
import { inParallel, mustBe, quantile } from '../time.mjs';

const PHASES = ['banner', 'ehlo', 'mail', 'rcpt', 'data', 'body'];
const MAILS_A_STALL = 10;
const FREED_MS = 30_000;

export const f08 = {
  id: 'F8',
  title: 'black hole in each phase of SMTP',
  limitSeconds: { quick: 200, full: 900 },
  async run(world, { quick, say }) {
    const rounds = quick ? 1 : 8;
    const mails = PHASES.length * MAILS_A_STALL;
    await world.seed(rounds * mails);
    const web = await world.startServer({ ROLE: 'web' });
    const holes = await inParallel(PHASES, 2, (phase) => openHole(world, phase));
    for (let round = 1; round <= rounds; round++) {
      await oneRound(world, web, holes, world.nextEmails(mails));
      say(`${round} of ${rounds} rounds`);
    }
    await world.settle(120_000);
    const stalled = holes.flatMap(({ sink }) => sink.stalls);
    return [...holes.map((hole) => freedRow(hole)), othersRow(world, stalled)];
  },
};

/** A worker with a mail server of its own, which falls silent once whenever it is armed. */
async function openHole(world, phase) {
  const sink = await world.addSink();
  const hole = { phase, sink, armed: false };
  sink.react = (at) => {
    if (at !== phase || !hole.armed) return undefined;
    hole.armed = false;
    return { stall: true };
  };
  await world.startServer({ ROLE: 'worker' }, { sink });
  return hole;
}

/** The asks come spread over some seconds, and whichever worker is free takes each. */
async function oneRound(world, web, holes, emails) {
  for (const hole of holes) {
    // Not a connection that is open still: its first phases are over.
    if (['banner', 'ehlo'].includes(hole.phase))
      for (const { socket } of hole.sink.sessions) socket.destroy();
    hole.armed = true;
  }
  world.askedAt ??= new Map();
  await inParallel(emails, 2, async (email) => {
    world.askedAt.set(email, Date.now());
    await world.ask(web, email);
  });
  const over = ({ sink }) => sink.stalls.every(({ ms }) => ms !== undefined);
  await mustBe(() => holes.every(over), 'silent connections to be given up', 90_000);
}

function freedRow({ phase, sink: { stalls } }) {
  const slowest = quantile(
    stalls.map(({ ms }) => ms),
    1,
  );
  return row(
    `silent at ${phase}: given up after, at most`,
    stalls.length,
    milliseconds(slowest),
    '≤ 30 s',
    slowest <= FREED_MS,
  );
}

/** Of those that met a silence, the mails came later, or twice; they are the last as many. */
function othersRow(world, stalled) {
  const times = [...world.askedAt].map(([email, at]) => (world.mailsTo(email)[0]?.at ?? Infinity) - at);
  const others = times.sort((a, b) => a - b).slice(0, times.length - stalled.length);
  const p95 = quantile(others, 0.95);
  return row(
    `mails beside ${stalled.length} stalled ones: p95 from the ask`,
    others.length,
    milliseconds(p95),
    '≤ 10 s',
    p95 <= 10_000,
  );
}
