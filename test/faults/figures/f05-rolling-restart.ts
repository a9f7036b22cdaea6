// F5: two instances behind a balancer are restarted in turn, under load. Nobody notices.
import { figure } from '../figure';
import { copies } from '../invariants/mails';
import { milliseconds, row, type Row } from '../report';
import type { Server } from '../server';
import { delay, quantile, rounds } from '../time';
import { beginTraffic, failuresOf } from '../traffic';

const CHECK_EVERY_MS = 200;

export const f05 = figure({
  id: 'F5',
  title: 'rolling restart by SIGTERM',
  quick: true,
  limitSeconds: { quick: 500, full: 1200 },
  // Beside others, the balancer is too slow to notice that an instance ends.
  turn: 8,
  async alone(world, { quick, say, random }): Promise<Row[]> {
    const [most, seconds, rate] = quick ? [2, 40, 10] : [50, 500, 40];
    await world.seed(quick ? 5000 : 60_000);
    // Long enough for the balancer to notice, also where this process itself has to wait for its turn.
    const env = { SHUTDOWN_DELAY: '6' };
    const instances = await Promise.all([world.startServer(env), world.startServer(env)]);
    const balancer = new Balancer(instances);
    await balancer.begin();
    const stopTraffic = beginTraffic(world, rate, () => balancer.pick());
    const exits: unknown[] = [];
    const times: number[] = [];
    for (const n of rounds(most, seconds)) {
      await delay(random.between(500, 1500));
      const instance = instances[n % 2]!;
      const begin = performance.now();
      exits.push(await instance.end('SIGTERM'));
      times.push(performance.now() - begin);
      await instance.start();
      if (n % 10 === 0) say(`${n} of ${most} restarts`);
    }
    await delay(1000);
    const answers = await stopTraffic();
    balancer.end();
    await world.settle(90_000);
    const { n: failed, text } = failuresOf(answers);
    const { extra } = copies(world.messages);
    const statuses = [...new Set(exits)];
    const slowest = quantile(times, 1);
    return [
      row(
        `failed requests, ${rate} people a second`,
        answers.length,
        `${failed} (${text})`,
        '0',
        failed === 0,
      ),
      row('copies of mails', world.messages.length, `${extra}`, '0', extra === 0),
      row(
        'exit status, time to exit at most',
        exits.length,
        `${statuses.join(', ')}, ${milliseconds(slowest)}`,
        '0, ≤ 30 s',
        statuses.join() === '0' && slowest <= 30_000,
      ),
    ];
  },
  run: (_world, _profile, rows) => Promise.resolve(rows),
});

/** As a load balancer does it: by readiness, which it checks now and then. */
class Balancer {
  private readonly ready = new Set<Server>();
  private turn = 0;
  private timer?: NodeJS.Timeout;

  constructor(private readonly instances: Server[]) {}

  async begin() {
    await this.check();
    this.timer = setInterval(() => void this.check(), CHECK_EVERY_MS);
  }

  end() {
    clearInterval(this.timer);
  }

  private async check() {
    await Promise.all(this.instances.map((instance) => this.checkOne(instance)));
  }

  /** One that is only slow stays as it was. */
  private async checkOne(instance: Server) {
    if (!instance.alive) return void this.ready.delete(instance);
    const { status, error } = await instance.api.isReady({ patienceMs: 1000 });
    if (status === 200) this.ready.add(instance);
    else if (error !== 'no answer') this.ready.delete(instance);
  }

  /** Where none is ready, the first: the request fails, and counts. */
  pick(): Server {
    const ready = [...this.ready];
    return ready[this.turn++ % ready.length] ?? this.instances[0]!;
  }
}
