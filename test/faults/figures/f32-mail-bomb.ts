// F32: somebody requests links for one victim again and again, from many addresses and on every road that mails, for an hour. The victim
// gets no more mails than a person may get, and the first link of them works all the while.
import { figure } from '../figure';
import { row } from '../report';
import type { Seeded } from '../seeded';
import type { Answer, Server } from '../server';
import { delay, inParallel, mustBe } from '../time';
import type { World } from '../world';

const COOLDOWN = 12;
/** Requests for one address in the same second are one job; so a round takes a second. */
const ROUND_MS = 1100;
/** Of the hour; the rest is for what the rounds take. */
const PASSED_S = 3000;
/** Beyond them there is none while a link lives, and here none gets older. */
const LINKS = 2;
/** One for each ten minutes of the hour, at most. */
const OTHERS = 6;
/** The share of tries that registers the address, instead of requesting a link. */
const REGISTRATIONS = 0.2;

export const f32 = figure({
  id: 'F32',
  title: 'a mail bomb on one victim',
  limitSeconds: { quick: 300, full: 400 },
  async run(world, { quick, say, random }) {
    const [rounds, tries, sources] = quick ? [8, 50, 100] : [50, 200, 1000];
    await world.seed(1);
    const server = await world.startServer({ RESET_COOLDOWN: String(COOLDOWN), LIMIT_PER_MINUTE: '20' });
    const victim = world.nextEmail();
    await world.requestReset(server, victim);
    await mustBe(() => world.mailsTo(victim).length > 0, 'the link of the victim', 30_000);
    const token = world.tokenTo(victim);
    const answers: Answer[] = [];
    const links: Answer[] = [];
    for (let round = 1; round <= rounds; round++) {
      await passTime(world, PASSED_S / rounds);
      const begin = performance.now();
      const some = Array.from({ length: tries }, () => ({
        registers: random.chance(REGISTRATIONS),
        source: `198.51.${Math.floor(random.between(0, sources / 250))}.${Math.floor(random.between(0, 250))}`,
        email: spelled(victim, random),
      }));
      answers.push(...(await inParallel(some, 10, (one) => attempt(server, one))));
      links.push(await server.api.inspect(token));
      await delay(Math.max(0, ROUND_MS - (performance.now() - begin)));
      if (round % 10 === 0) say(`${round} of ${rounds} rounds`);
    }
    await world.settle(60_000);
    const mails = new Set(world.mailsTo(victim).map(({ id }) => id)).size;
    const others = world.messages.length - world.mailsTo(victim).length;
    const good = links.filter(({ status }) => status === 200).length;
    const { status } = await world.confirm(server, victim, token);
    await world.settle(30_000);
    return [
      row(
        `${tries} tries in each of ${rounds} rounds of an hour, from ${sources} addresses: mails with a link; other mails`,
        answers.length,
        `${mails}; ${others}`,
        `exactly ${LINKS}; ≤ ${OTHERS}`,
        mails === LINKS && others <= OTHERS,
      ),
      row(
        'the first link: good after a round; sets the password at the end',
        links.length,
        `${good}; ${status}`,
        `${links.length}; 204`,
        good === links.length && status === 204,
      ),
      answersRow(answers),
    ];
  },
});

/** As if so many seconds had gone by for what counts mails; links do not get older. */
async function passTime({ database }: World, seconds: number) {
  for (const table of ['password_resets', 'registrations'])
    await database.query(`UPDATE latchkey.${table} SET created_at = created_at - make_interval(secs => $1)`, [
      seconds,
    ]);
}

interface Attempt {
  registers: boolean;
  source: string;
  email: string;
}

function attempt(server: Server, { registers, source, email }: Attempt) {
  if (!registers) return server.api.requestReset(email, { source });
  const account = { email, username: 'Susan', password: 'a password of somebody else' };
  return server.api.register(account, { source });
}

/** Other letters, same address. */
function spelled(email: string, random: Seeded) {
  return [...email].map((letter) => (random.chance(0.5) ? letter.toUpperCase() : letter)).join('');
}

function answersRow(answers: Answer[]) {
  const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
  const others = answers.length - count(202) - count(429);
  return row(
    'answers 202, 429, others',
    answers.length,
    `${count(202)}, ${count(429)}, ${others}`,
    'any, any, 0',
    others === 0,
  );
}
