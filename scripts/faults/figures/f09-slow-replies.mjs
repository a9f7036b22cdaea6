// F9: the mail server takes its time for each reply, while many mails wait. As many leave as its connections and its time allow,
// and nobody else has to wait with them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { milliseconds, row } from '../report.mjs';
import { atRate, inParallel, quantile, until } from '../time.mjs';

/** Replies to MAIL, RCPT, DATA and the final dot: what a mail costs on a connection that is open. */
const REPLIES_A_MAIL = 4;
const CONNECTIONS = 5;
const ASKS_A_SECOND = 5;
/** The worker needs a moment between two mails, and on a machine that is busy with other figures a longer one. */
const TOLERANCE = { quick: 0.5, full: 0.1 };
const GROWTH_MB = 50;

export const f09 = {
  id: 'F9',
  title: 'the mail server is slow',
  limitSeconds: { quick: 120, full: 500 },
  async run(world, { quick, say }) {
    const [replyMs, seconds, backlog] = quick ? [500, 8, 60] : [5000, 150, 1000];
    await world.seed(backlog + 200 + 2 * seconds * ASKS_A_SECOND);
    const server = await world.startServer();
    const ask = () => world.ask(server, world.nextEmail());
    // So that what it needs once is not taken for growth.
    await inParallel(Array(100).fill(), 10, ask);
    await world.settle(30_000);
    const taken = world.messages.length;
    world.sink.react = () => ({ afterMs: replyMs });
    await inParallel(Array(backlog).fill(), 10, ask);
    const before = await memoryOf(server);
    say(`${backlog} mails wait; ${replyMs / 1000} s a reply`);
    const answers = await atRate(ASKS_A_SECOND, seconds * 1000, ask);
    const after = await memoryOf(server);
    const slow = world.messages.slice(taken);
    world.sink.react = () => undefined;
    const settled = await until(async () => (await world.openJobs()) === 0, 200_000, 200);
    await world.settle(10_000);
    return [
      throughputRow(slow, replyMs, quick ? TOLERANCE.quick : TOLERANCE.full),
      row(
        `memory with ${backlog} mails waiting: growth in ${seconds} s`,
        1,
        `${Math.round(after - before)} MB (of ${Math.round(before)} MB)`,
        `≤ ${GROWTH_MB} MB`,
        after - before <= GROWTH_MB,
      ),
      asksRow(answers),
      row(
        'all mails out when it is quick again',
        world.messages.length,
        milliseconds(settled),
        '≤ 200 s',
        settled !== undefined,
      ),
    ];
  },
};

/** By the pauses between two mails of one connection: how many mails fit into some seconds is a matter of luck. */
function throughputRow(messages, replyMs, tolerance) {
  const byConnection = new Map();
  for (const { connection, at } of messages)
    byConnection.set(connection, [...(byConnection.get(connection) ?? []), at]);
  const pauses = [...byConnection.values()].flatMap((times) => times.slice(1).map((at, k) => at - times[k]));
  const possible = REPLIES_A_MAIL * replyMs;
  const median = quantile(pauses, 0.5);
  return row(
    `${replyMs / 1000} s a reply: connections; between two mails on one, median (possible: ${possible / 1000} s)`,
    messages.length,
    `${byConnection.size}; ${milliseconds(median)}`,
    `${CONNECTIONS}; at most ${100 * tolerance} % more`,
    byConnection.size === CONNECTIONS && median <= (1 + tolerance) * possible,
  );
}

function asksRow(answers) {
  const failed = answers.filter(({ status }) => status !== 202).length;
  const p95 = quantile(
    answers.map(({ ms }) => ms),
    0.95,
  );
  return row(
    'asks meanwhile, p95; failed',
    answers.length,
    `${milliseconds(p95)}; ${failed}`,
    '≤ 300 ms; 0',
    p95 <= 300 && failed === 0,
  );
}

/** @returns megabytes that a server has in memory */
async function memoryOf({ pid }) {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}
