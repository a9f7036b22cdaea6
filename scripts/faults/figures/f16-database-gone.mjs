// F16: the database is gone, first so that connections are refused, then so that nothing comes back.
import { milliseconds, row } from '../report.mjs';
import { atRate, delay, quantile, until } from '../time.mjs';

const RATE = 50;

export const f16 = {
  id: 'F16',
  title: 'the database is gone',
  limitSeconds: { quick: 120, full: 400 },
  turn: 3,
  async alone(world, { quick, say }) {
    await world.seed(12_000);
    const wire = await world.addWire();
    const server = await world.startServer({}, { wire });
    const [refused, silent] = quick ? [8, 6] : [60, 30];
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
    return { server, refused, silent, gone, hole };
  },
  async run(world, _, { server, refused, silent, gone, hole }) {
    await world.settle(90_000);
    const exits = server.unexpectedExits;
    return [
      ...rowsOf(`refuses connections for ${refused} s`, gone, 1000),
      ...rowsOf(`is silent for ${silent} s`, hole, 3000),
      row('exits of the server', 2, `${exits}`, '0', exits === 0),
    ];
  },
};

/** What was swallowed is gone: the connections of before are of no use. */
async function mend(wire) {
  await wire.cut();
  wire.holed = false;
  await wire.start();
}

/** Asks go on all the while, of accounts and of nobody in turn. */
async function outage(world, server, seconds, begin, end) {
  await atRate(RATE, 1000, () => world.ask(server, world.nextEmail()));
  await begin();
  const health = watchHealth(server);
  const answers = await atRate(RATE, seconds * 1000, async (n) => {
    const known = n % 2 === 0;
    const email = known ? world.nextEmail() : `nobody${n}@example.com`;
    return { known, ...(await world.ask(server, email)) };
  });
  const { unready, liveErrors } = await health();
  await end();
  const recovery = await until(
    async () => (await world.ask(server, world.nextEmail())).status === 202,
    30_000,
    20,
  );
  return { answers, unready, liveErrors, recovery };
}

/** How long readiness takes to tell, and whether liveness ever does. */
function watchHealth(server) {
  const begin = performance.now();
  let [unready, liveErrors, over] = [undefined, 0, false];
  const watching = (async () => {
    while (!over) {
      if ((await server.call('GET', '/health/live')).status !== 200) liveErrors++;
      const { status } = await server.call('GET', '/health/ready');
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

function rowsOf(what, { answers, unready, liveErrors, recovery }, limitMs) {
  // Those that were under way when it went may have been served.
  const failures = answers.filter(({ status }) => status !== 202);
  const wrong = failures.filter((answer) => !isHonest(answer));
  const p99 = quantile(
    failures.map(({ ms }) => ms),
    0.99,
  );
  const medians = [true, false].map((known) =>
    quantile(
      failures.filter((answer) => answer.known === known).map(({ ms }) => ms),
      0.5,
    ),
  );
  const gap = Math.abs(medians[0] - medians[1]);
  const sample = wrong[0]
    ? `, e.g. ${wrong[0].status ?? wrong[0].error} ${(wrong[0].text ?? '').slice(0, 120)}`
    : '';
  const n = answers.length;
  return [
    row(
      `${what}: answers that are no 503 problem+json with Retry-After`,
      n,
      `${wrong.length}${sample}`,
      '0',
      wrong.length === 0 && failures.length > n / 2,
    ),
    row(
      `${what}: time of those answers, p99`,
      failures.length,
      milliseconds(p99),
      `≤ ${limitMs} ms`,
      p99 <= limitMs,
    ),
    row(
      `${what}: known and unknown address differ, medians`,
      failures.length,
      milliseconds(gap),
      '≤ 5 ms or 5 %',
      gap <= Math.max(5, 0.05 * medians[0]),
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

function isHonest({ status, headers, text }) {
  if (status !== 503 || !headers['content-type']?.startsWith('application/problem+json')) return false;
  return Boolean(headers['retry-after']) && JSON.parse(text).code === 'UNAVAILABLE';
}
