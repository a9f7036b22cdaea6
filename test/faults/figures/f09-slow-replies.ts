// F9: the mail server takes its time for each reply, while many mails wait. As many leave as its connections and its time allow,
// and nobody else has to wait with them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { figure } from '../figure';
import { milliseconds, row, timeRow } from '../report';
import type { Answer, Server } from '../server';
import type { Message } from '../sink';
import { atRate, quantile, times, timesOf, until } from '../time';

/** Replies to MAIL, RCPT, DATA and the final dot: what a mail costs on a connection that is open. */
const REPLIES_A_MAIL = 4;
const CONNECTIONS = 5;
const REQUESTS_A_SECOND = 5;
/** More than what the replies take: the worker needs a moment between two mails, on a busy machine a longer one. */
const TOLERANCE = 0.1;
const LATE_MS = 300;
const GROWTH_MB = 50;

export const f09 = figure({
  id: 'F9',
  title: 'the mail server is slow',
  limitSeconds: { quick: 400, full: 700 },
  async run(world, { quick, say, machine }) {
    const [replyMs, seconds, backlog] = quick ? [500, 8, 60] : [5000, 150, 1000];
    const begin = performance.now();
    await world.seed(backlog + 200 + 2 * seconds * REQUESTS_A_SECOND);
    const server = await world.startServer();
    const request = () => world.requestReset(server, world.nextEmail());
    // So that what it needs once is not taken for growth.
    await times(100, 10, request);
    await world.settle(30_000);
    const taken = world.messages.length;
    world.sink.react = () => ({ afterMs: replyMs });
    await times(backlog, 10, request);
    const before = await memoryOf(server);
    say(`${backlog} mails wait; ${replyMs / 1000} s a reply`);
    const answers = await atRate(REQUESTS_A_SECOND, seconds * 1000, request);
    const after = await memoryOf(server);
    const slow = world.messages.slice(taken);
    world.sink.react = () => undefined;
    const settled = await until(async () => (await world.openJobs()) === 0, 200_000, 200);
    await world.settle(10_000);
    return [
      throughputRow(slow, replyMs, pauseOf(world.messages.slice(0, taken))),
      row(
        `memory with ${backlog} mails waiting: growth in ${seconds} s`,
        1,
        `${Math.round(after - before)} MB (of ${Math.round(before)} MB)`,
        `≤ ${GROWTH_MB} MB`,
        after - before <= GROWTH_MB,
      ),
      requestsRow(answers, LATE_MS + machine.allowanceSince(begin)),
      row(
        'all mails out when it is quick again',
        world.messages.length,
        milliseconds(settled),
        '≤ 200 s',
        settled !== undefined,
      ),
    ];
  },
});

/** By the pauses between two mails of one connection: how many mails fit into some seconds is a matter of luck. */
function throughputRow(messages: Message[], replyMs: number, before: number) {
  const possible = REPLIES_A_MAIL * replyMs;
  const limit = (1 + TOLERANCE) * possible + 4 * before;
  const connections = new Set(messages.map(({ connection }) => connection)).size;
  const median = pauseOf(messages);
  return timeRow(
    `${replyMs / 1000} s a reply: connections; between two mails on one, median (possible: ${possible / 1000} s)`,
    messages.length,
    `${connections}; ${milliseconds(median)} (before: ${milliseconds(before)})`,
    `${CONNECTIONS}; ≤ ${milliseconds(limit)}`,
    connections === CONNECTIONS && median <= limit,
  );
}

/** @returns the median time between two mails of one connection */
function pauseOf(messages: Message[]) {
  const last = new Map<number, number>();
  const pauses = messages.flatMap(({ connection, at }) => {
    const earlier = last.get(connection);
    last.set(connection, at);
    return earlier === undefined ? [] : [at - earlier];
  });
  return quantile(pauses, 0.5);
}

function requestsRow(answers: Answer[], limitMs: number) {
  const failed = answers.filter(({ status }) => status !== 202).length;
  const p95 = timesOf(answers, 0.95);
  return timeRow(
    'requests meanwhile, p95; failed',
    answers.length,
    `${milliseconds(p95)}; ${failed}`,
    `≤ ${milliseconds(limitMs)}; 0`,
    p95 <= limitMs && failed === 0,
  );
}

/** @returns megabytes that a server has in memory */
async function memoryOf({ pid }: Server) {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}
