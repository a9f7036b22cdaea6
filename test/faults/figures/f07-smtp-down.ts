// F7: the mail server is away. A client that requests a link sees and measures nothing of it, and the mails come when it is back.
import { figure } from '../figure';
import { milliseconds, row, timeRow } from '../report';
import type { Answer } from '../server';
import { atRate, quantile, timesOf } from '../time';

const RATE = 20;
const MORE_MS = 5;

export const f07 = figure({
  id: 'F7',
  title: 'the mail server is down',
  limitSeconds: { quick: 300, full: 500 },
  turn: 6,
  async alone(world, { quick, say, machine }) {
    const downSeconds = quick ? 10 : 90;
    await world.seed(5000);
    const server = await world.startServer();
    const request = () => world.requestReset(server, world.nextEmail());
    await atRate(RATE, 3000, request);
    const begin = performance.now();
    const up = await atRate(RATE, downSeconds * 1000, request);
    say(`down for ${downSeconds} s`);
    await world.sink.stop();
    const down = await atRate(RATE, downSeconds * 1000, request);
    return { downSeconds, up, down, allowance: machine.allowanceSince(begin) };
  },
  async run(world, _, { downSeconds, up, down, allowance }) {
    const earlier = world.messages.length;
    await world.sink.start();
    const returned = Date.now();
    await world.settle(120_000);
    const late = world.messages.slice(earlier).map(({ at }) => at - returned);
    const last = quantile(late, 1);
    const [before, during] = [timesOf(up, 0.5), timesOf(down, 0.5)];
    return [
      timeRow(
        `down for ${downSeconds} s, ${RATE} requests a second: time of an answer, median`,
        down.length,
        `${milliseconds(before)} before, ${milliseconds(during)} while down`,
        `at most ${milliseconds(MORE_MS + allowance)} more`,
        during - before <= MORE_MS + allowance,
      ),
      sameAnswersRow(up, down),
      row(
        'mails after its return; the last one after',
        late.length,
        milliseconds(last),
        '≤ 60 s',
        last <= 60_000,
      ),
    ];
  },
});

function sameAnswersRow(up: Answer[], down: Answer[]) {
  const shown = ({ status, text }: Answer) => `${status} ${text}`;
  const others = [...up, ...down].filter((answer) => shown(answer) !== shown(up[0]!)).length;
  return row('other answers than usual', up.length + down.length, `${others}`, '0', others === 0);
}
