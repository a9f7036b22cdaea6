// F5: two instances behind a balancer are restarted in turn, under load. Nobody notices.
import { copies } from '../invariants/mails.mjs';
import { milliseconds, row } from '../report.mjs';
import { delay, quantile, rounds } from '../time.mjs';
import { beginTraffic, failuresOf } from '../traffic.mjs';

const BALANCER_LOOKS_EVERY_MS = 200;

export const f05 = {
  id: 'F5',
  title: 'rolling restart by SIGTERM',
  limitSeconds: { quick: 120, full: 1200 },
  async run(world, { quick, say, random }) {
    const [most, seconds, rate] = quick ? [4, 60, 20] : [50, 500, 40];
    await world.seed(quick ? 3000 : 60_000);
    const env = { SHUTDOWN_DELAY: '3' };
    const instances = await Promise.all([world.startServer(env), world.startServer(env)]);
    const balancer = new Balancer(instances);
    await balancer.begin();
    const stopTraffic = beginTraffic(world, rate, () => balancer.pick());
    const [exits, times] = [[], []];
    for (const n of rounds(most, seconds)) {
      await delay(random.between(500, 1500));
      const begin = performance.now();
      exits.push(await instances[n % 2].end('SIGTERM'));
      times.push(performance.now() - begin);
      await instances[n % 2].start();
      if (n % 10 === 0) say(`${n} of ${most} restarts`);
    }
    await delay(1000);
    const answers = await stopTraffic();
    balancer.end();
    await world.settle(60_000);
    const failures = failuresOf(answers);
    const { extra } = copies(world.messages);
    const clean = exits.every((status) => status === 0);
    const slowest = quantile(times, 1);
    return [
      row(
        `failed requests, ${rate} people a second`,
        answers.length,
        `${failures.n} (${failures.text})`,
        '0',
        failures.n === 0,
      ),
      row('copies of mails', world.messages.length, `${extra}`, '0', extra === 0),
      row(
        'exit status, time to exit at most',
        exits.length,
        `${[...new Set(exits)].join(', ')}, ${milliseconds(slowest)}`,
        '0, ≤ 30 s',
        clean && slowest <= 30_000,
      ),
    ];
  },
};

/** As a load balancer does it: by readiness, looked at now and then. */
class Balancer {
  ready = new Set();
  turn = 0;

  constructor(instances) {
    this.instances = instances;
  }

  async begin() {
    await this.look();
    this.timer = setInterval(() => void this.look(), BALANCER_LOOKS_EVERY_MS);
  }

  end() {
    clearInterval(this.timer);
  }

  async look() {
    await Promise.all(this.instances.map((instance) => this.lookAt(instance)));
  }

  /** Who is only slow stays as it was. */
  async lookAt(instance) {
    if (!instance.alive) return void this.ready.delete(instance);
    const { status, error } = await instance.call('GET', '/health/ready', { patienceMs: 1000 });
    if (status === 200) this.ready.add(instance);
    else if (error !== 'no answer') this.ready.delete(instance);
  }

  /** Where none is ready, the first: the request fails, and counts. */
  pick() {
    const ready = [...this.ready];
    return ready.length > 0 ? ready[this.turn++ % ready.length] : this.instances[0];
  }
}
