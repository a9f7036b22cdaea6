// F26: four instances share one limit. Of any number of tries of one source as many are served as the limit says.
import { figure } from '../figure';
import { row } from '../report';
import { times } from '../time';

const LIMIT = 20;

export const f26 = figure({
  id: 'F26',
  title: 'one limit over four instances',
  limitSeconds: { quick: 300, full: 200 },
  async run(world, { quick }) {
    const tries = quick ? 400 : 5000;
    await world.seed(1);
    const env = { LIMIT_PER_MINUTE: String(LIMIT), ROLE: 'web' };
    const servers = await times(4, 2, () => world.startServer(env));
    await world.startServer({ ROLE: 'worker' });
    const begin = performance.now();
    const answers = await times(tries, 40, (n) =>
      servers[n % 4]!.api.requestReset(`nobody${n}@example.com`, { source: '192.0.2.1' }),
    );
    const minutes = Math.ceil((performance.now() - begin) / 60_000);
    const served = answers.filter(({ status }) => status === 202).length;
    const others = answers.filter(({ status }) => ![202, 429].includes(status ?? 0)).length;
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
});
