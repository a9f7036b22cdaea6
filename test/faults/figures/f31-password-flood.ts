// F31: somebody tries passwords, many a second, at one account and at many, from few addresses and from ever new ones. People
// sign in beside it, or hear when to try again; and the account that is tried most opens for its owner by a link.
import { figure } from '../figure';
import { milliseconds, row } from '../report';
import type { Seeded } from '../seeded';
import type { Answer, Server } from '../server';
import { makeDearHash } from '../template';
import { atRate, delay, mustBe, timesOf } from '../time';
import { failuresOf } from '../traffic';
import { PASSWORD, type World } from '../world';

const PEOPLE_A_SECOND = 5;
const SOURCES = 4;
/** Of the tries: at the victim; and from one of few sources. */
const [AT_VICTIM, FROM_FEW] = [0.3, 0.5];
/** A place in the queue of hashes may be a long way from its front. */
const PATIENCE_MS = 60_000;
/** Who is answered 429 or 503 does so this often. */
const TRIES = 2;
const LONGEST_WAIT_S = 2;
/** Tries under way at a time: who floods has so many connections, and leaves some of the harness's to the people. */
const AT_A_TIME = 300;

export const f31 = figure({
  id: 'F31',
  title: 'a flood of wrong passwords',
  limitSeconds: { quick: 300, full: 300 },
  turn: 7,
  async alone(world, { quick, say, random }) {
    const [rate, seconds, cost] = quick ? [100, 4, '10'] : [500, 60, '12'];
    await makeDearHash(world, cost);
    const others = 200;
    await world.seed(others + 1 + (seconds + 2) * PEOPLE_A_SECOND);
    const server = await world.startServer({ BCRYPT_COST: cost, LIMIT_PER_MINUTE: '20' });
    const targets = world.nextEmails(others);
    const victim = world.nextEmail();
    say(`${rate} a second for ${seconds} s`);
    let over = false;
    let underWay = 0;
    const flood = atRate(
      rate,
      () => !over,
      async () => {
        if (underWay >= AT_A_TIME) return undefined;
        underWay++;
        const target = random.chance(AT_VICTIM) ? victim : random.pick(targets);
        return tryPassword(server, target, random).finally(() => underWay--);
      },
    );
    await delay(1000);
    const people = await atRate(PEOPLE_A_SECOND, seconds * 1000, () =>
      signIn(world, server, world.nextEmail()),
    );
    const live = await server.api.isLive();
    over = true;
    const tries = (await flood).filter((answer) => answer !== undefined);
    return {
      what: `up to ${rate} wrong passwords a second for ${seconds} s, bcrypt at cost ${cost}`,
      server,
      victim,
      people: people.flat(),
      tries,
      live,
    };
  },
  async run(world, _, { what, server, victim, people, tries, live }) {
    const owner = await recover(world, server, victim);
    await world.settle(60_000);
    return [
      floodRow(what, tries),
      peopleRow(people),
      row(
        'alive beside it; unexpected exits; the account that was tried most: link, new password, sign-in',
        tries.length,
        `${live.status}; ${server.unexpectedExits}; ${owner.join(', ')}`,
        '200; 0; 202, 204, 200',
        live.status === 200 && server.unexpectedExits === 0 && owner.join() === '202,204,200',
      ),
    ];
  },
});

function tryPassword(server: Server, email: string, random: Seeded) {
  const source = random.chance(FROM_FEW) ? `192.0.2.${random.pick([...Array(SOURCES).keys()])}` : undefined;
  const body = { email, password: `wrong guess number ${random.next()}` };
  return server.call('POST', '/api/auth/login', { body, source, patienceMs: PATIENCE_MS });
}

/** @returns every answer: who is answered 429 or 503 does as told, a few times */
async function signIn(world: World, server: Server, email: string) {
  const answers: Answer[] = [];
  for (let n = 0; n < TRIES; n++) {
    const answer = await world.login(server, email, PASSWORD, PATIENCE_MS);
    answers.push(answer);
    if (answer.status === 200 || !answer.headers['retry-after']) break;
    await delay(1000 * Math.min(LONGEST_WAIT_S, Number(answer.headers['retry-after'])));
  }
  return answers;
}

/** @returns the statuses of the request, the confirmation and the sign-in */
async function recover(world: World, server: Server, email: string) {
  const request = await world.requestReset(server, email);
  await mustBe(() => world.mailsTo(email).length > 0, 'the link of the account that was tried', 60_000);
  const password = world.newPassword();
  const confirm = await world.confirm(server, email, world.tokenTo(email), password);
  const body = { email, password };
  const login = await server.api.login(body.email, body.password);
  return [request, confirm, login].map(({ status }) => status);
}

const toldToWait = ({ status, headers }: Answer) =>
  [429, 503].includes(status ?? 0) && Boolean(headers['retry-after']);

function floodRow(what: string, tries: Answer[]) {
  const count = (wanted: number) => tries.filter(({ status }) => status === wanted).length;
  const others = failuresOf(tries.filter((answer) => answer.status !== 401 && !toldToWait(answer)));
  return row(
    `${what}: wrong, one source too often, server busy, other answers`,
    tries.length,
    `${count(401)}, ${count(429)}, ${count(503)}, ${others.text}`,
    'any, any, any, none',
    others.n === 0,
  );
}

function peopleRow(answers: Answer[]) {
  const served = answers.filter(({ status }) => status === 200);
  const waiting = answers.filter(toldToWait).length;
  const honest = (served.length + waiting) / answers.length;
  const p95 = timesOf(answers, 0.95);
  return row(
    'sign-ins of others beside it: served, answered 429 or 503; of all; time of an answer, p95',
    answers.length,
    `${served.length}, ${waiting}; ${(100 * honest).toFixed(1)} %; ${milliseconds(p95)}`,
    'any; ≥ 99 %; any',
    honest >= 0.99,
  );
}
