// F26: four instances share one limit. Of any number of tries of one source as many are served as the limit says.
import { row } from '../report.mjs';
import { inParallel } from '../time.mjs';

const LIMIT = 20;

export const f26 = {
  id: 'F26',
  title: 'one limit over four instances',
  limitSeconds: { quick: 120, full: 200 },
  async run(world, { quick }) {
    const tries = quick ? 400 : 5000;
    await world.seed(1);
    const env = { LIMIT_PER_MINUTE: String(LIMIT), ROLE: 'web' };
    const servers = await inParallel([1, 2, 3, 4], 2, () => world.startServer(env));
    await world.startServer({ ROLE: 'worker' });
    const numbers = Array.from({ length: tries }, (_, n) => n);
    const begin = performance.now();
    const answers = await inParallel(numbers, 40, (n) =>
      servers[n % 4].call('POST', '/api/password-reset', {
        body: { email: `nobody${n}@example.com` },
        source: '192.0.2.1',
      }),
    );
    const minutes = Math.ceil((performance.now() - begin) / 60_000);
    const served = answers.filter(({ status }) => status === 202).length;
    const others = answers.filter(({ status }) => ![202, 429].includes(status)).length;
    await world.settle(30_000);
    return [
      row(
        'tries of one source: served; answers that are neither 202 nor 429',
        tries,
        `${served}; ${others}`,
        `exactly ${LIMIT} a minute (${minutes} begun); 0`,
        (minutes === 1 ? served === LIMIT : served >= LIMIT && served <= minutes * LIMIT) && others === 0,
      ),
    ];
  },
};
