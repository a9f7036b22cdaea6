// F7: the mail server is away. Who asks sees and measures nothing of it, and the mails come when it is back.
import { milliseconds, row } from '../report.mjs';
import { atRate, quantile } from '../time.mjs';

const RATE = 20;

export const f07 = {
  id: 'F7',
  title: 'the mail server is down',
  limitSeconds: { quick: 150, full: 500 },
  turn: 6,
  async alone(world, { quick, say }) {
    const downSeconds = quick ? 10 : 90;
    await world.seed(5000);
    const server = await world.startServer();
    const ask = () => world.ask(server, world.nextEmail());
    await atRate(RATE, 3000, ask);
    const up = await atRate(RATE, downSeconds * 1000, ask);
    say(`down for ${downSeconds} s`);
    await world.sink.stop();
    const down = await atRate(RATE, downSeconds * 1000, ask);
    return { downSeconds, up, down };
  },
  async run(world, { quick }, { downSeconds, up, down }) {
    const earlier = world.messages.length;
    await world.sink.start();
    const returned = Date.now();
    await world.settle(120_000);
    const late = world.messages.slice(earlier).map(({ at }) => at - returned);
    const last = quantile(late, 1);
    return [
      timeRow(up, down, quick ? 0.95 : 0.99, downSeconds),
      bodyRow(up, down),
      row(
        'mails after its return; the last one after',
        late.length,
        milliseconds(last),
        '≤ 60 s',
        last <= 60_000,
      ),
    ];
  },
};

function timeRow(up, down, share, downSeconds) {
  const [before, during] = [up, down].map((answers) =>
    quantile(
      answers.map(({ ms }) => ms),
      share,
    ),
  );
  return row(
    `down for ${downSeconds} s, ${RATE} asks a second: time of an ask, p${share * 100}`,
    down.length,
    `${milliseconds(before)} before, ${milliseconds(during)} while down`,
    'at most 5 ms more',
    during - before <= 5,
  );
}

function bodyRow(up, down) {
  const shown = ({ status, text }) => `${status} ${text}`;
  const usual = shown(up[0]);
  const others = [...up, ...down].filter((answer) => shown(answer) !== usual).length;
  return row('other answers than usual', up.length + down.length, `${others}`, '0', others === 0);
}
