// F16: the database is gone, first so that connections are refused, then so that nothing comes back.
import { figure } from '../figure';
import { milliseconds, row, timeRow } from '../report';
import type { Answer, Server } from '../server';
import { atRate, delay, timesOf, until } from '../time';
import type { Wire } from '../wire';
import type { World } from '../world';

const RATE = 50;

export const f16 = figure({
  id: 'F16',
  title: 'the database is gone',
  quick: true,
  limitSeconds: { quick: 400, full: 500 },
  turn: 3,
  async alone(world, { quick, say, machine }) {
    await world.seed(12_000);
    const wire = await world.addWire();
    const server = await world.startServer({}, { wire });
    const [refused, silent] = quick ? [4, 5] : [60, 30];
    const begin = performance.now();
    say(`connections are refused for ${refused} s`);
    const gone = await outage(
      world,
      server,
      refused,
      () => wire.cut(),
      () => wire.start(),
    );
    await delay(1000);
    say(`nothing comes back for ${silent} s`);
    const hole = await outage(
      world,
      server,
      silent,
      () => (wire.holed = true),
      () => mend(wire),
    );
    return { server, refused, silent, gone, hole, allowance: machine.allowanceSince(begin) };
  },
  async run(world, _, { server, refused, silent, gone, hole, allowance }) {
    await world.settle(90_000);
    const exits = server.unexpectedExits;
    return [
      ...rowsOf(`refuses connections for ${refused} s`, gone, 1000, allowance),
      ...rowsOf(`is silent for ${silent} s`, hole, 3000, allowance),
      row('exits of the server', 2, `${exits}`, '0', exits === 0),
    ];
  },
});

interface Outage {
  answers: (Answer & { known: boolean })[];
  unready?: number;
  liveErrors: number;
  recovery?: number;
}

/** What was swallowed is gone: the connections of before are of no use. */
async function mend(wire: Wire) {
  await wire.cut();
  wire.holed = false;
  await wire.start();
}

/** Requests go on all the while, of accounts and of nobody in turn. */
async function outage(
  world: World,
  server: Server,
  seconds: number,
  begin: () => unknown,
  end: () => unknown,
): Promise<Outage> {
  await atRate(RATE, 1000, () => world.requestReset(server, world.nextEmail()));
  await begin();
  const health = watchHealth(server);
  const answers = await atRate(RATE, seconds * 1000, async (n) => {
    const known = n % 2 === 0;
    const email = known ? world.nextEmail() : `nobody${n}@example.com`;
    return { known, ...(await world.requestReset(server, email)) };
  });
  const { unready, liveErrors } = await health();
  await end();
  const recovery = await until(
    async () => (await world.requestReset(server, world.nextEmail())).status === 202,
    30_000,
    20,
  );
  return { answers, unready, liveErrors, recovery };
}

/** How long readiness takes to tell, and whether liveness ever does. */
function watchHealth(server: Server) {
  const begin = performance.now();
  let unready: number | undefined;
  let [liveErrors, over] = [0, false];
  const watching = (async () => {
    while (!over) {
      if ((await server.api.isLive()).status !== 200) liveErrors++;
      const { status } = await server.api.isReady();
      if (status === 503) unready ??= performance.now() - begin;
      await delay(200);
    }
  })();
  return async () => {
    over = true;
    await watching;
    return { unready, liveErrors };
  };
}

function rowsOf(what: string, outage: Outage, promisedMs: number, allowance: number) {
  const { answers, unready = Infinity, liveErrors, recovery = Infinity } = outage;
  const limitMs = promisedMs + allowance;
  // Those that were under way when it went may have been served.
  const failures = answers.filter(({ status }) => status !== 202);
  const wrong = failures.filter((answer) => !isHonest(answer));
  const p95 = timesOf(failures, 0.95);
  const medians = [true, false].map((isKnown) =>
    timesOf(
      failures.filter(({ known }) => known === isKnown),
      0.5,
    ),
  );
  const [known, unknown] = medians as [number, number];
  const gap = Math.abs(known - unknown);
  const gapLimit = Math.max(5, 0.05 * known) + allowance / 4;
  const sample = wrong[0] ? `, e.g. ${wrong[0].status ?? wrong[0].error} ${wrong[0].text.slice(0, 120)}` : '';
  const n = answers.length;
  return [
    row(
      `${what}: answers that are no 503 problem+json with Retry-After`,
      n,
      `${wrong.length}${sample}`,
      '0',
      wrong.length === 0 && failures.length > n / 2,
    ),
    timeRow(
      `${what}: time of those answers, p95`,
      failures.length,
      milliseconds(p95),
      `≤ ${milliseconds(limitMs)}`,
      p95 <= limitMs,
    ),
    timeRow(
      `${what}: known and unknown address differ, medians`,
      failures.length,
      milliseconds(gap),
      `≤ ${milliseconds(gapLimit)}`,
      gap <= gapLimit,
    ),
    row(
      `${what}: not ready after, not alive, serving again after`,
      1,
      `${milliseconds(unready)}, ${liveErrors} times, ${milliseconds(recovery)}`,
      '≤ 10 s, 0, ≤ 10 s',
      unready <= 10_000 && liveErrors === 0 && recovery <= 10_000,
    ),
  ];
}

function isHonest({ status, headers, text }: Answer) {
  if (status !== 503 || !headers['content-type']?.startsWith('application/problem+json')) return false;
  return Boolean(headers['retry-after']) && (JSON.parse(text) as { code: string }).code === 'UNAVAILABLE';
}
