// What is measured.
import { delay, inParallel, mustBe, until } from '../test/faults/time';
import { KNOWN, PASSWORD, UNKNOWN, type Checkout } from './checkout';
import type { Load } from './driver';
import { memoryOf } from './proc';
import { measuredOf, Stand, type Bench, type Measured } from './stand';

export interface Figure {
  name: string;
  title: string;
  unit: string;
  measure(bench: Bench, checkout: Checkout): Promise<Measured>;
  /** Where another program can be measured beside it. */
  measurePeer?(bench: Bench, peer: Peer): Promise<Measured>;
}

/** Another program, which somebody has started. */
export interface Peer {
  url: URL;
  /** The body of a request, with `{email}`. */
  body: string;
}

const RESETS = '/api/password-reset';
/** Its default. */
const BCRYPT_COST = 12;
const LINKS_TO_INSPECT = 50;
const SESSIONS = 8;
/** As many as wait for their hash without being refused. */
const CONFIRMING = 8;
const SHORT_BACKLOG = 1000;
const IDLE_MS = 3000;
const POLL_MS = 20;

const requests = (
  address: string,
  connections: number,
  end?: number,
): Omit<Load, 'origin' | 'first' | 'seconds'> => ({
  method: 'POST',
  path: RESETS,
  body: JSON.stringify({ email: address }),
  expected: 202,
  connections,
  end,
});

/** Requests, each for an address of its own. */
function requestFigure(
  name: string,
  title: string,
  { address, connections, role = 'all' }: { address: string; connections: number; role?: 'all' | 'web' },
): Figure {
  const loadOf = ({ size }: Bench) =>
    requests(address, connections, address === KNOWN ? size.users : undefined);
  return {
    name,
    title,
    unit: 'requests/s',
    measure: (bench, checkout) => Stand.use(bench, checkout, role, (stand) => stand.drive(loadOf(bench))),
    measurePeer: async (bench, { url, body }) => {
      const load = { ...loadOf(bench), origin: url.origin, path: url.pathname + url.search };
      load.body = body.replace('{email}', address);
      const { warmUpSeconds, seconds } = bench.size;
      const { answers } = await bench.driver.call({ ...load, first: 0, seconds: warmUpSeconds });
      return measuredOf(await bench.driver.call({ ...load, first: answers, seconds }));
    },
  };
}

/** Requests so many links. @returns their tokens */
async function linksOf(bench: Bench, stand: Stand, count: number): Promise<string[]> {
  const numbers = Array.from({ length: count }, (_, n) => n);
  await inParallel(numbers, 8, (n) => stand.api.requestReset(KNOWN.replace('{n}', String(n))));
  const tokens = async () => (await bench.sink.call({ ask: 'tokens' })) as string[];
  await mustBe(async () => (await tokens()).length >= count, 'mails', 120_000);
  return tokens();
}

function inspect(bench: Bench, checkout: Checkout) {
  return Stand.use(bench, checkout, 'all', async (stand) =>
    stand.drive({
      method: 'POST',
      path: `${RESETS}/verify`,
      body: JSON.stringify({ token: '{value}' }),
      values: await linksOf(bench, stand, LINKS_TO_INSPECT),
      expected: 200,
      connections: 32,
    }),
  );
}

function checkSession(bench: Bench, checkout: Checkout) {
  return Stand.use(bench, checkout, 'web', async (stand) => {
    const people = Array.from({ length: SESSIONS }, (_, n) => KNOWN.replace('{n}', String(n)));
    const answers = await inParallel(people, 2, (email) => stand.api.login(email, PASSWORD));
    const values = answers.map(({ text }) => (JSON.parse(text) as { accessToken: string }).accessToken);
    const headers = { authorization: 'Bearer {value}' };
    return stand.drive({
      method: 'GET',
      path: '/api/users/me',
      headers,
      values,
      expected: 200,
      connections: 32,
    });
  });
}

/** Beside what bcrypt alone does, before and after it: the machine may have changed meanwhile. */
function confirm(bench: Bench, checkout: Checkout) {
  const { seconds, warmUpSeconds } = bench.size;
  return Stand.use(bench, checkout, 'all', async (stand) => {
    const raw = () => bench.rawHash.call({ cost: BCRYPT_COST, seconds: Math.max(2, seconds / 2) });
    const before = await raw();
    const enough = Math.ceil(before * (seconds + warmUpSeconds) * 1.5) + 2 * CONFIRMING;
    const values = await linksOf(bench, stand, enough);
    // The notices that follow are mails, which are measured by themselves.
    await stand.restart('web');
    const measured = await stand.drive({
      method: 'POST',
      path: `${RESETS}/confirm`,
      body: JSON.stringify({ token: '{value}', password: 'a new phrase for number {n}' }),
      values,
      end: values.length,
      expected: 204,
      connections: CONFIRMING,
    });
    const rawHashesPerSecond = (before + (await raw())) / 2;
    return { ...measured, rawHashesPerSecond, shareOfRaw: measured.value / rawHashesPerSecond };
  });
}

/** Mails a second of a worker that has been warmed up, while so many requests wait. */
async function drain(bench: Bench, checkout: Checkout, waiting: number) {
  const { warmUpMails, seconds } = bench.size;
  const count = async () => Number(await bench.sink.call({ ask: 'count' }));
  // The last ones are left out: at the end less and less goes on at once.
  const last = warmUpMails + Math.floor(waiting * 0.95);
  const measureRate = async (stand: Stand) => {
    await mustBe(async () => (await count()) >= warmUpMails, 'the first mails', 180_000, POLL_MS);
    const [usage, mails, begin] = [await stand.usage(), await count(), performance.now()];
    await until(async () => (await count()) >= last, seconds * 1000, POLL_MS);
    const [end, sent] = [performance.now(), (await count()) - mails];
    const cost = stand.costOf(usage, await stand.usage(), sent);
    return { value: sent / ((end - begin) / 1000), ...cost };
  };
  const backlog = { count: waiting + warmUpMails, address: KNOWN };
  return Stand.use(bench, checkout, 'worker', measureRate, backlog);
}

/** An owner requests a link when a flood of requests for nobody waits already. */
function flood(bench: Bench, checkout: Checkout) {
  const { flood: count, patience } = bench.size;
  const owner = KNOWN.replace('{n}', '0');
  const measureDelay = async (stand: Stand) => {
    const settled = () => stand.count(SETTLED);
    const [before, begin] = [await settled(), performance.now()];
    await stand.api.requestReset(owner);
    const hasLink = () => bench.sink.call({ ask: 'hasLink', address: owner });
    const ms = await until(hasLink, patience * 1000, POLL_MS);
    await until(async () => (await settled()) >= count * 0.95, Math.min(patience, 30) * 1000, 200);
    const settledPerSecond = ((await settled()) - before) / ((performance.now() - begin) / 1000);
    return { value: (ms ?? Infinity) / 1000, settledPerSecond };
  };
  return Stand.use(bench, checkout, 'all', measureDelay, { count, address: UNKNOWN });
}

/** What is recorded of each request for nobody. */
const SETTLED = `SELECT count(*)::int AS n FROM latchkey.audit_events
  WHERE act = 'password_reset_mailed' AND outcome = 'failure'`;

function start(bench: Bench, checkout: Checkout) {
  return Stand.use(bench, checkout, 'all', async ({ server }) => {
    await delay(IDLE_MS);
    return { value: server.readyMs, idleMiB: memoryOf(server.pid).now };
  });
}

export const figures: Figure[] = [
  requestFigure('known', 'requests for known addresses, mails alongside', {
    address: KNOWN,
    connections: 32,
  }),
  requestFigure('unknown', 'requests for unknown addresses', { address: UNKNOWN, connections: 32 }),
  requestFigure('request', 'requests alone (ROLE=web)', { address: KNOWN, connections: 32, role: 'web' }),
  requestFigure('one', 'requests, 1 connection', { address: KNOWN, connections: 1 }),
  requestFigure('eight', 'requests, 8 connections', { address: KNOWN, connections: 8 }),
  { name: 'inspect', title: 'inspections of a link', unit: 'inspections/s', measure: inspect },
  { name: 'session', title: 'checks of a session (ROLE=web)', unit: 'checks/s', measure: checkSession },
  {
    name: 'confirm',
    title: 'confirmations, bcrypt 12 (ROLE=web)',
    unit: 'confirmations/s',
    measure: confirm,
  },
  {
    name: 'drain-short',
    title: 'mails of one worker, a short backlog',
    unit: 'mails/s',
    measure: (bench, checkout) => drain(bench, checkout, SHORT_BACKLOG),
  },
  {
    name: 'drain-long',
    title: 'mails of one worker, a long backlog',
    unit: 'mails/s',
    measure: (bench, checkout) => drain(bench, checkout, bench.size.backlog),
  },
  { name: 'flood', title: "an owner's mail behind requests for nobody", unit: 's', measure: flood },
  { name: 'start', title: 'from the start to readiness', unit: 'ms', measure: start },
];
