// F8: the mail server falls silent in one phase on one connection of many. That connection is given up in time, and the other
// mails do not wait for it.
import { figure } from '../figure';
import { milliseconds, row, timeRow } from '../report';
import type { Server } from '../server';
import type { Phase, Sink } from '../sink';
import { delay, inParallel, mustBe, quantile } from '../time';
import type { World } from '../world';

const PHASES: Phase[] = ['banner', 'ehlo', 'mail', 'rcpt', 'data', 'body'];
const MAILS_A_STALL = 10;
/** Requests of a round beside those, at most. */
const MOST_MORE = 200;

/** A mail server that falls silent once in this phase, whenever it is armed. */
interface Hole {
  phase: Phase;
  sink: Sink;
  armed: boolean;
}

const FREED_MS = 30_000;
/** Less than a mail waits that meets the silence itself. */
const LATE_MS = 18_000;

export const f08 = figure({
  id: 'F8',
  title: 'black hole in each phase of SMTP',
  quick: true,
  limitSeconds: { quick: 500, full: 900 },
  async run(world, { quick, say }) {
    const rounds = quick ? 1 : 8;
    const mails = PHASES.length * MAILS_A_STALL;
    const requestedAt = new Map<string, number>();
    await world.seed(rounds * (mails + MOST_MORE));
    const web = await world.startServer({ ROLE: 'web' });
    const holes = await inParallel(PHASES, 2, (phase) => openHole(world, phase));
    for (let round = 1; round <= rounds; round++) {
      await oneRound(world, web, holes, world.nextEmails(mails), requestedAt);
      say(`${round} of ${rounds} rounds`);
    }
    await world.settle(120_000);
    const stalled = holes.flatMap(({ sink }) => sink.stalls);
    return [...holes.map((hole) => freedRow(hole)), othersRow(world, requestedAt, stalled)];
  },
});

/** A worker with a mail server of its own, which falls silent once whenever it is armed. */
async function openHole(world: World, phase: Phase): Promise<Hole> {
  const sink = await world.addSink();
  const hole: Hole = { phase, sink, armed: false };
  sink.react = (at) => {
    if (at !== phase || !hole.armed) return undefined;
    hole.armed = false;
    return { stall: true };
  };
  await world.startServer({ ROLE: 'worker' }, { sink });
  return hole;
}

/** The requests come spread over some seconds, and whichever worker is free takes each. */
async function oneRound(
  world: World,
  web: Server,
  holes: Hole[],
  emails: string[],
  requestedAt: Map<string, number>,
) {
  for (const hole of holes) {
    // Not a connection that is open still: its first phases are over.
    if (['banner', 'ehlo'].includes(hole.phase))
      for (const { socket } of hole.sink.sessions) socket.destroy();
    hole.armed = true;
  }
  const request = async (email: string) => {
    requestedAt.set(email, Date.now());
    await world.requestReset(web, email);
  };
  await inParallel(emails, 2, request);
  // A worker takes all that wait, so that another may have had none yet. Each fetches at a moment of its own in each second.
  for (let more = 0; holes.some(({ armed }) => armed) && more < MOST_MORE; more++) {
    await request(world.nextEmail());
    await delay(130);
  }
  const over = ({ sink }: Hole) => sink.stalls.every(({ ms }) => ms !== undefined);
  await mustBe(() => holes.every(over), 'silent connections to be given up', 90_000);
}

function freedRow({ phase, sink: { stalls } }: Hole) {
  const slowest = quantile(
    stalls.map(({ ms = Infinity }) => ms),
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
function othersRow(world: World, requestedAt: Map<string, number>, stalled: unknown[]) {
  const times = [...requestedAt].map(([email, at]) => (world.mailsTo(email)[0]?.at ?? Infinity) - at);
  const others = times.sort((a, b) => a - b).slice(0, times.length - stalled.length);
  const p95 = quantile(others, 0.95);
  return timeRow(
    `mails beside ${stalled.length} stalled ones: p95 from the request`,
    others.length,
    milliseconds(p95),
    `≤ ${LATE_MS / 1000} s`,
    p95 <= LATE_MS,
  );
}
