// F4: at each awaited step of a request, of its mail, of a confirmation and of its notice, one at a time: it fails, hangs, or the
// process dies. The invariants hold whatever the step.
import { Faults, HOW, type How, type Plan } from '../faults';
import { figure } from '../figure';
import { row } from '../report';
import type { Server } from '../server';
import { delay, inParallel, until } from '../time';
import type { World } from '../world';

/** More than any of them has; a run in which nothing happened is the last. */
const MOST_STEPS = 60;
/** Longer than events wait before they are written together, which is a step too. */
const AFTERWARDS_MS = 600;

interface Setting {
  world: World;
  web: Server;
  worker: Server;
  hangMs: number;
  links: Prepared[];
}

/** What an act is done to: an account, with a link where the act uses one. */
interface Prepared {
  email: string;
  token: string;
  password: string;
  /** The status of the first answer. */
  first?: number;
}

interface Act {
  name: string;
  target: 'web' | 'worker';
  usesLink?: boolean;
  /** @returns whether it is over */
  begin(setting: Setting, prepared: Prepared): Promise<() => boolean | Promise<boolean>>;
  /** @returns what is wrong afterwards, if anything */
  judge?(setting: Setting, prepared: Prepared): Promise<string | undefined>;
}

interface Story {
  n: number;
  labels: string[];
  wrong: string[];
}

export const f04 = figure({
  id: 'F4',
  title: 'a fault at each awaited step',
  quick: true,
  limitSeconds: { quick: 600, full: 2000 },
  async run(world, { quick, say, random }) {
    await world.seed(quick ? 400 : 2000);
    const { preload } = Faults;
    const [web, worker] = await Promise.all([
      world.startServer({ ROLE: 'web' }, { preload }),
      world.startServer({ ROLE: 'worker' }, { preload }),
    ]);
    const setting: Setting = { world, web, worker, hangMs: quick ? 1000 : 6000, links: [] };
    const rows = [];
    for (const act of [requestAct, mailAct, confirmAct, noticeAct]) {
      // Only now: those of the beginning may have died of age while the acts before had their turn.
      if (act.usesLink) setting.links = await prepareLinks(setting, quick ? 30 : 120);
      // The quick run breaks every third step, in one way; which ones the seed decides.
      const [stride, turn] = [quick ? 3 : 1, Math.floor(random.between(0, HOW.length))];
      const first = 1 + Math.floor(random.between(0, Math.min(stride, 2)));
      const howAt = (step: number) => (quick ? [HOW[(step + turn) % HOW.length]!] : HOW);
      let story = await everyStep(setting, act, { first, stride, howAt });
      // An act of one step has no second.
      if (story.n === 0) story = await everyStep(setting, act, { first: 1, stride, howAt });
      say(`${act.name}: ${story.labels.filter(Boolean).join(' | ')}`);
      rows.push(rowOf(act, story));
    }
    const settled = (await world.settle(150_000)) !== undefined;
    rows.push(row('all jobs done afterwards', 1, settled ? 'yes' : 'no', 'yes', settled));
    return rows;
  },
});

interface Choice {
  first: number;
  stride: number;
  howAt: (step: number) => readonly How[];
}

async function everyStep(setting: Setting, act: Act, { first, stride, howAt }: Choice): Promise<Story> {
  const story: Story = { n: 0, labels: [], wrong: [] };
  for (let step = first; step <= MOST_STEPS; step += stride) {
    let fired = false;
    for (const how of howAt(step)) {
      const outcome = await oneFault(setting, act, step, how);
      if (!outcome.fired) continue;
      fired = true;
      story.n++;
      story.labels[step - 1] = outcome.fired;
      if (outcome.wrong) story.wrong.push(`${how} at step ${step} (${outcome.fired}): ${outcome.wrong}`);
    }
    if (!fired) break;
  }
  return story;
}

/** @returns at which step it happened, if it did, and what was wrong afterwards */
async function oneFault(setting: Setting, act: Act, step: number, how: How) {
  const { world, hangMs } = setting;
  const server = setting[act.target];
  const prepared = act.usesLink
    ? setting.links.pop()!
    : { email: world.nextEmail(), token: '', password: world.newPassword() };
  await delay(AFTERWARDS_MS);
  const faults = await armed(server, { step, how, hangMs, ignore: await earlierRequests(world) });
  const exits = server.unexpectedExits;
  const hasDied = () => server.unexpectedExits > exits;
  const isOver = await act.begin(setting, prepared);
  // A job that has failed comes back much later; an answer comes in any case.
  const isSeen = () => act.target === 'worker' && Boolean(faults.fired) && how !== 'hang';
  await until(async () => isSeen() || (await isOver()), hangMs + 20_000, 50);
  await until(() => faults.fired, AFTERWARDS_MS);
  const shallDie = Boolean(faults.fired) && how.startsWith('die');
  if (shallDie) await until(hasDied, 10_000);
  const surprise = hasDied() === shallDie ? undefined : 'the process has ended, or has not';
  if (!server.alive) await server.start();
  return { fired: faults.fired, wrong: surprise ?? (await act.judge?.(setting, prepared)) };
}

/** On a busy machine an earlier fault may come late, and end the process just now. */
async function armed(server: Server, plan: Plan) {
  for (let tries = 1; ; tries++) {
    if (!server.alive) await server.start();
    const faults = new Faults(server);
    const isArmed = await faults.arm(plan);
    if (isArmed) return faults;
    if (tries === 3) throw new Error('the server cannot be armed');
  }
}

/** Their retries are no requests of this test. */
async function earlierRequests({ database }: World) {
  const { rows } = await database.query<{ id: string }>(
    'SELECT DISTINCT request_id AS id FROM latchkey.jobs',
  );
  return rows.map(({ id }) => id);
}

const requestAct: Act = {
  name: 'a request',
  target: 'web',
  begin({ world, web }, { email }) {
    let over = false;
    void world.requestReset(web, email).then(() => (over = true));
    return Promise.resolve(() => over);
  },
  /** The next one is served. */
  async judge({ world, web }) {
    const { status, error } = await world.requestReset(web, world.nextEmail());
    return status === 202 ? undefined : `the next request: ${status ?? error}`;
  },
};

const mailAct: Act = {
  name: 'its mail',
  target: 'worker',
  async begin({ world, web }, { email }) {
    await world.requestReset(web, email);
    return () => isDone(world, email);
  },
};

/** A mail has the id of its job, which is deleted a moment after the mail server has it. */
async function isDone(world: World, email: string, kind = 'reset') {
  const [mail] = world.mailsTo(email, kind);
  const sql = 'SELECT count(*)::int AS n FROM latchkey.jobs WHERE id = $1';
  return mail !== undefined && (await world.count(sql, [mail.id])) === 0;
}

/** Links that are mailed while nothing is wrong, to people who are signed in. */
async function prepareLinks({ world, web }: Setting, count: number): Promise<Prepared[]> {
  const emails = world.nextEmails(count);
  await inParallel(emails, 4, async (email) => {
    await world.login(web, email);
    await world.requestReset(web, email);
  });
  await world.settle(90_000);
  return emails.map((email) => ({ email, token: world.tokenTo(email), password: world.newPassword() }));
}

const confirmAct: Act = {
  name: 'a confirmation',
  target: 'web',
  usesLink: true,
  begin({ world, web }, prepared) {
    let over = false;
    void world.confirm(web, prepared.email, prepared.token, prepared.password).then(({ status }) => {
      prepared.first = status;
      over = true;
    });
    return Promise.resolve(() => over);
  },
  /** A client that got no answer, or 503, tries again, and has the new password then. */
  async judge({ world, web }, { email, token, password, first }) {
    let last = first;
    if (first !== 204) {
      last = (await world.confirm(web, email, token, password)).status;
      if (last !== 204) return `answers ${first}, then ${last}`;
    }
    if (first !== undefined && ![204, 503].includes(first)) return `answer ${first}`;
    const { status } = await world.login(web, email, password);
    world.sessions.set(email, world.sessions.get(email)?.slice(0, 1) ?? []);
    return status === 200 ? undefined : `answers ${first}, then ${last}; the new password: ${status}`;
  },
};

const noticeAct: Act = {
  name: 'its notice',
  target: 'worker',
  usesLink: true,
  async begin({ world, web }, { email, token, password }) {
    await world.confirm(web, email, token, password);
    return () => isDone(world, email, 'notice');
  },
};

function rowOf(act: Act, { n, labels, wrong }: Story) {
  const what = `${act.name}: ${labels.filter(Boolean).length} steps; wrong afterwards`;
  const sample = wrong[0] ? `, e.g. ${wrong[0]}` : '';
  return row(what, n, `${wrong.length}${sample}`, '0', wrong.length === 0 && n > 0);
}
