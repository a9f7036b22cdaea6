// F48: nobody reads what the server prints, until the pipe is full; then there is nobody at its other end at all. It serves on.
import { figure } from '../figure';
import { milliseconds, row, timeRow } from '../report';
import type { Answer, Server } from '../server';
import { atRate, times, timesOf, until } from '../time';
import { failuresOf } from '../traffic';
import type { World } from '../world';

const RATE = 20;
/** Each prints a line; these fill any pipe, and what may wait for it. */
const LINES = 8000;
const TOLD = /"lines":(\d+),"msg":"nobody read the log: lines were dropped"/;

export const f48 = figure({
  id: 'F48',
  title: 'standard output is blocked, then closed',
  limitSeconds: { quick: 300, full: 400 },
  async run(world, { quick, say, machine }) {
    const begin = performance.now();
    const seconds = quick ? 3 : 60;
    await world.seed(3 * seconds * RATE);
    const server = await world.startServer({
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://id.example.com',
      ADMINS: 'no-reply@latchkey.dev',
      BCRYPT_COST: '10',
    });
    const stdout = server.child.stdout!;
    const request = () => server.api.isLive();
    stdout.pause();
    const filling = await times(LINES, 10, request);
    say(`blocked for ${seconds} s`);
    const blocked = await traffic(world, server, seconds);
    stdout.resume();
    await until(() => TOLD.test(server.tail), 10_000);
    const [, dropped = 'nothing'] = TOLD.exec(server.tail) ?? [];
    stdout.destroy();
    say(`closed for ${seconds} s`);
    const closed = await traffic(world, server, seconds);
    await world.settle(60_000);
    const allowance = machine.allowanceSince(begin);
    return [
      servedRow(`blocked for ${seconds} s`, [...filling, ...blocked], allowance),
      servedRow(`closed for ${seconds} s`, closed, allowance),
      row('lines dropped, and reported when it is read again', LINES, dropped, 'some', Number(dropped) > 0),
      row('unexpected exits', 1, `${server.unexpectedExits}`, '0', server.unexpectedExits === 0),
    ];
  },
});

function traffic(world: World, server: Server, seconds: number) {
  return atRate(RATE, seconds * 1000, () => world.requestReset(server, world.nextEmail()));
}

function servedRow(what: string, answers: Answer[], allowance: number) {
  const failed = failuresOf(answers.filter(({ status }) => ![200, 202].includes(status ?? 0)));
  const p95 = timesOf(answers, 0.95);
  return timeRow(
    `standard output ${what}: failed requests; time of an answer, p95`,
    answers.length,
    `${failed.text}; ${milliseconds(p95)}`,
    `none; ≤ ${milliseconds(1000 + allowance)}`,
    failed.n === 0 && p95 <= 1000 + allowance,
  );
}
