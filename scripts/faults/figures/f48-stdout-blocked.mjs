// F48: nobody reads what the server prints, until the pipe is full; then there is nobody at its other end at all. It serves on.
import { milliseconds, row } from '../report.mjs';
import { atRate, inParallel, quantile, until } from '../time.mjs';
import { failuresOf } from '../traffic.mjs';

const RATE = 20;
/** Each prints a line; these fill any pipe, and what may wait for it. */
const LINES = 8000;
const TOLD = /"lines":(\d+),"msg":"nobody read the log: lines were dropped"/;

export const f48 = {
  id: 'F48',
  title: 'standard output is blocked, then closed',
  limitSeconds: { quick: 90, full: 400 },
  async run(world, { quick, say }) {
    const seconds = quick ? 3 : 60;
    await world.seed(3 * seconds * RATE);
    const server = await world.startServer({
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://id.example.com',
      BCRYPT_COST: '10',
    });
    const { stdout } = server.child;
    const look = () => server.call('GET', '/health/live');
    stdout.pause();
    const filling = await inParallel(Array(LINES).fill(), 10, look);
    say(`blocked for ${seconds} s`);
    const blocked = await traffic(world, server, seconds);
    stdout.resume();
    await until(() => TOLD.test(server.tail), 10_000);
    const [, dropped = 'nothing'] = TOLD.exec(server.tail) ?? [];
    stdout.destroy();
    say(`closed for ${seconds} s`);
    const closed = await traffic(world, server, seconds);
    await world.settle(60_000);
    return [
      servedRow(`blocked for ${seconds} s`, [...filling, ...blocked]),
      servedRow(`closed for ${seconds} s`, closed),
      row('lines dropped, told when it is read again', LINES, dropped, 'some', Number(dropped) > 0),
      row('unexpected exits', 1, `${server.unexpectedExits}`, '0', server.unexpectedExits === 0),
    ];
  },
};

function traffic(world, server, seconds) {
  return atRate(RATE, seconds * 1000, () => world.ask(server, world.nextEmail()));
}

function servedRow(what, answers) {
  const failed = failuresOf(answers.filter(({ status }) => ![200, 202].includes(status)));
  const p99 = quantile(
    answers.map(({ ms }) => ms),
    0.99,
  );
  return row(
    `standard output ${what}: failed requests; time of an answer, p99`,
    answers.length,
    `${failed.text}; ${milliseconds(p99)}`,
    'none; ≤ 1 s',
    failed.n === 0 && p99 <= 1000,
  );
}
