// F4: at each awaited step of an ask, of its mail, of a confirmation and of its notice, one at a time: it fails, hangs, or the
// process dies. The invariants hold whatever the step.
import { Faults, HOW } from '../faults.mjs';
import { row } from '../report.mjs';
import { delay, inParallel, until } from '../time.mjs';

/** More than any of them has; a run in which nothing happened is the last. */
const MOST_STEPS = 60;
/** Longer than events wait before they are written together, which is a step too. */
const AFTERWARDS_MS = 600;

export const f04 = {
  id: 'F4',
  title: 'a fault at each awaited step',
  limitSeconds: { quick: 220, full: 2000 },
  async run(world, { quick, say, random }) {
    const rows = [];
    await world.seed(quick ? 400 : 2000);
    const preload = Faults.preload;
    const web = await world.startServer({ ROLE: 'web' }, { preload });
    const worker = await world.startServer({ ROLE: 'worker' }, { preload });
    const setting = { world, web, worker, hangMs: quick ? 1500 : 6000 };
    for (const act of [askAct, mailAct, confirmAct, noticeAct]) {
      // Only now: those of the beginning may have died of age while the acts before had their turn.
      if (act.usesLink) setting.links = await prepareLinks(setting, quick ? 30 : 120);
      const turn = Math.floor(random.between(0, HOW.length));
      const story = await everyStep(setting, act, (step) =>
        quick ? [HOW[(step + turn) % HOW.length]] : HOW,
      );
      say(`${act.name}: ${story.labels.join(' | ')}`);
      rows.push(rowOf(act, story));
    }
    const settled = await world.settle(150_000);
    rows.push(
      row('all jobs done afterwards', 1, settled === undefined ? 'no' : 'yes', 'yes', settled !== undefined),
    );
    return rows;
  },
};

async function everyStep(setting, act, howAt) {
  const story = { n: 0, labels: [], wrong: [] };
  for (let step = 1; step <= MOST_STEPS; step++) {
    let fired = false;
    for (const how of howAt(step)) {
      const outcome = await oneFault(setting, act, { step, how });
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
async function oneFault(setting, act, { step, how }) {
  const { world, hangMs } = setting;
  const server = setting[act.target];
  const prepared = act.usesLink ? setting.links.pop() : { email: world.nextEmail() };
  await delay(AFTERWARDS_MS);
  const faults = await armed(server, { step, how, hangMs, ignore: await earlierRequests(world) });
  const exits = server.unexpectedExits;
  const hasDied = () => server.unexpectedExits > exits;
  const isOver = await act.begin(setting, prepared);
  // A job that has failed comes back much later; an answer comes in any case.
  const isSeen = () => act.target === 'worker' && faults.fired && how !== 'hang';
  await until(async () => isSeen() || (await isOver()), hangMs + 20_000, 50);
  await until(() => faults.fired, AFTERWARDS_MS);
  const shallDie = Boolean(faults.fired) && how.startsWith('die');
  if (shallDie) await until(hasDied, 10_000);
  const surprise = hasDied() === shallDie ? undefined : 'the process has ended, or has not';
  if (!server.alive) await server.start();
  return { fired: faults.fired, wrong: surprise ?? (await act.judge?.(setting, prepared)) };
}

/** On a busy machine an earlier fault may come late, and end the process just now. */
async function armed(server, plan) {
  for (let tries = 1; ; tries++) {
    if (!server.alive) await server.start();
    const faults = new Faults(server);
    const isArmed = await faults.arm(plan);
    if (isArmed) return faults;
    if (tries === 3) throw new Error('the server cannot be armed');
  }
}

/** Their retries are no requests of this test. */
async function earlierRequests({ database }) {
  const { rows } = await database.query(
    "SELECT DISTINCT data->>'requestId' AS id FROM latchkey_jobs.job WHERE data->>'requestId' IS NOT NULL",
  );
  return rows.map(({ id }) => id);
}

const askAct = {
  name: 'an ask',
  target: 'web',
  async begin({ world, web }, { email }) {
    let over = false;
    void world.ask(web, email).then(() => (over = true));
    return () => over;
  },
  /** The next one is served. */
  async judge({ world, web }) {
    const { status, error } = await world.ask(web, world.nextEmail());
    return status === 202 ? undefined : `the next ask: ${status ?? error}`;
  },
};

const mailAct = {
  name: 'its mail',
  target: 'worker',
  async begin({ world, web }, { email }) {
    await world.ask(web, email);
    return () => isDone(world, email);
  },
};

/** A mail has the id of its job; that the job is done is noted a moment after the mail server has it. */
async function isDone(world, email, kind = 'reset') {
  const [mail] = world.mailsTo(email, kind);
  const sql = "SELECT count(*)::int AS n FROM latchkey_jobs.job WHERE id = $1 AND state = 'completed'";
  return mail !== undefined && (await world.count(sql, [mail.id])) === 1;
}

/** Links that are mailed while nothing is wrong, to people who are signed in. */
async function prepareLinks({ world, web }, count) {
  const emails = world.nextEmails(count);
  await inParallel(emails, 4, async (email) => {
    await world.login(web, email);
    await world.ask(web, email);
  });
  await world.settle(60_000);
  return emails.map((email) => ({
    email,
    token: world.mailsTo(email)[0].token,
    password: world.newPassword(),
  }));
}

const confirmAct = {
  name: 'a confirmation',
  target: 'web',
  usesLink: true,
  async begin({ world, web }, prepared) {
    let over = false;
    void world.confirm(web, prepared.email, prepared.token, prepared.password).then(({ status }) => {
      prepared.first = status;
      over = true;
    });
    return () => over;
  },
  /** Who got no answer, or 503, tries again, and has the new password then. */
  async judge({ world, web }, { email, token, password, first }) {
    let last = first;
    if (first !== 204) {
      last = (await world.confirm(web, email, token, password)).status;
      if (last !== 204 && last !== 410) return `answers ${first}, then ${last}`;
    }
    if (first !== undefined && ![204, 503].includes(first)) return `answer ${first}`;
    const { status } = await world.login(web, email, password);
    world.sessions.set(email, world.sessions.get(email)?.slice(0, 1) ?? []);
    return status === 200 ? undefined : `answers ${first}, then ${last}; the new password: ${status}`;
  },
};

const noticeAct = {
  name: 'its notice',
  target: 'worker',
  usesLink: true,
  async begin({ world, web }, { email, token, password }) {
    await world.confirm(web, email, token, password);
    return () => isDone(world, email, 'notice');
  },
};

function rowOf(act, { n, labels, wrong }) {
  const what = `${act.name}: ${labels.length} steps; wrong afterwards`;
  return row(
    what,
    n,
    `${wrong.length}${wrong[0] ? `, e.g. ${wrong[0]}` : ''}`,
    '0',
    wrong.length === 0 && n > 0,
  );
}
