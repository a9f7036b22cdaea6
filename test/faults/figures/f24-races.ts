// F24: resets, a change of password, a change of address and its stop, sign-ins and the disabling of the account, all at once.
// One act that changes credentials wins, and everything is as that one leaves it.
import { figure } from '../figure';
import { row } from '../report';
import type { Seeded } from '../seeded';
import type { Answer, Server } from '../server';
import { delay, inParallel, until } from '../time';
import { succeeded } from '../traffic';
import { PASSWORD, type World } from '../world';

type Act = 'reset' | 'change' | 'move' | 'stop' | 'login' | 'disable';

/** Somebody who is signed in, has a link for a new password, and is about to change the address. */
interface Person {
  email: string;
  newEmail: string;
  bearer: string;
  tokens: Partial<Record<Act, string>>;
  /** What each act sets. */
  passwords: Partial<Record<Act, string>>;
}

interface Step {
  act: Act;
  server: number;
  pauseMs: number;
}

type Outcome = Pick<Answer, 'status' | 'error'> & { text?: string };

interface Race {
  person: Person;
  schedule: Step[];
  answers: (Outcome & { act: Act })[];
}

/** What is done beside a reset: some of these, as often as they stand here at most. */
const OTHERS: Act[] = ['reset', 'change', 'move', 'stop', 'login', 'login', 'disable'];
const LONGEST_PAUSE_MS = 40;
/** They end what the others have in hand, so that of those that begin together only one can succeed. */
const CHANGES = ['reset', 'change', 'move', 'stop'] as const;
/** What a change leaves of the old password. */
const SETS_PASSWORD: (Act | undefined)[] = ['reset', 'change'];

export const f24 = figure({
  id: 'F24',
  title: 'reset, change of password, change of address, sign-in and disabling at once',
  quick: true,
  limitSeconds: { quick: 400, full: 700 },
  async run(world, { quick, say, random }) {
    const n = quick ? 30 : 1000;
    await world.seed(n);
    const servers = [await world.startServer(), await world.startServer({ ROLE: 'web' })];
    const emails = world.nextEmails(n);
    const schedules = emails.map(() => scheduleOf(random));
    const people = await inParallel(emails, 6, (email) => getReady(world, servers[0]!, email));
    say(`${n} schedules`);
    const races = await inParallel(people, 4, (person, k) => race(world, servers, person, schedules[k]!));
    await world.settle(60_000);
    const wrong = await inParallel(races, 4, (one) => aftermath(world, servers[1]!, one));
    return rowsOf(races, wrong.flat(), quick);
  },
});

/** A reset, and one to six more acts; each with its pause, at either process. */
function scheduleOf(random: Seeded): Step[] {
  const others = random.shuffle(OTHERS).slice(0, 1 + Math.floor(random.next() * 6));
  const acts: Act[] = ['reset', ...others];
  return acts.map((act) => ({
    act,
    server: random.pick([0, 1]),
    pauseMs: random.between(0, LONGEST_PAUSE_MS),
  }));
}

async function getReady(world: World, server: Server, email: string): Promise<Person> {
  const login = await served(() => world.login(server, email), 200);
  const { accessToken: bearer } = JSON.parse(login.text) as { accessToken: string };
  const newEmail = `moved-${email}`;
  await served(() => world.requestReset(server, email), 202);
  const body = { email: newEmail, currentPassword: PASSWORD };
  await served(() => server.call('POST', '/api/users/me/email', { bearer, body }), 202);
  const tokens = () => ({
    reset: world.mailsTo(email)[0]?.token,
    stop: world.mailsTo(email, 'cancel')[0]?.token,
    move: world.mailsTo(newEmail, 'confirm')[0]?.token,
  });
  const arrived = await until(() => Object.values(tokens()).every(Boolean), 120_000);
  if (arrived === undefined) throw new Error(`waited 120 s in vain for mails to ${email}`);
  const passwords = { reset: world.newPassword(), change: world.newPassword() };
  return { email, newEmail, bearer, tokens: tokens(), passwords };
}

/** Sends again what a busy server has put off. @throws Error for any other answer than the expected one */
async function served(send: () => Promise<Answer>, expected: number): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await send();
    if (answer.status === expected) return answer;
    if (answer.status !== 503 || tries === 10) throw new Error(`answered ${answer.status ?? answer.error}`);
    await delay(1000);
  }
}

async function race(world: World, servers: Server[], person: Person, schedule: Step[]): Promise<Race> {
  const answers = await Promise.all(
    schedule.map(async ({ act, server, pauseMs }) => {
      await delay(pauseMs);
      return { act, ...(await ACTS[act](world, servers[server]!, person)) };
    }),
  );
  return { person, schedule, answers };
}

const ACTS: Record<Act, (world: World, server: Server, person: Person) => Promise<Outcome>> = {
  reset: (world, server, { email, tokens, passwords }) =>
    world.confirm(server, email, tokens.reset!, passwords.reset),
  change: (_, server, { bearer, passwords }) =>
    server.call('POST', '/api/users/me/password', {
      bearer,
      body: { currentPassword: PASSWORD, password: passwords.change },
    }),
  move: (_, server, { tokens }) =>
    server.call('POST', '/api/email-change/confirm', { body: { token: tokens.move, password: PASSWORD } }),
  stop: (_, server, { tokens }) =>
    server.call('POST', '/api/email-change/cancel', { body: { token: tokens.stop } }),
  login: (world, server, { email }) => world.login(server, email),
  disable: async (world, server, { email, bearer }) => {
    await setDisabled(world, email, 'now()');
    // From here on nothing opens the account.
    const login = await server.api.login(email, PASSWORD);
    const session = await server.api.me(bearer);
    const isShut = login.status === 401 && session.status === 401;
    return isShut ? { status: 200 } : { error: 'still open' };
  },
};

/** Whichever address the account has by now. */
async function setDisabled({ database }: World, email: string, value: 'now()' | 'NULL') {
  const emails = [email, `moved-${email}`];
  await database.query(`UPDATE latchkey.users SET disabled_at = ${value} WHERE email = ANY($1)`, [emails]);
}

const isHonest = ({ status }: Outcome) => status !== undefined && (status < 500 || status === 503);

/** @returns what is not as the winner has left it */
async function aftermath(world: World, server: Server, { person, schedule, answers }: Race) {
  const { email, newEmail, bearer, tokens, passwords } = person;
  await setDisabled(world, email, 'NULL');
  const wrong = answers
    .filter((answer) => !isHonest(answer))
    .map(({ act, status, error }) => `${act}: ${status ?? error}`);
  const winners = CHANGES.flatMap((act) => answers.find((one) => one.act === act && succeeded(one)) ?? []);
  const mayHaveNone = answers.some(({ act, status }) => act === 'disable' || status === 503);
  // Somebody who was warned may end all access after a new password, too; not after a move.
  const others = winners.filter(({ act }) => act !== 'stop');
  const isBeside = others.length < winners.length && SETS_PASSWORD.includes(others[0]?.act);
  const won = isBeside ? others : winners;
  if (won.length > 1 || (won.length === 0 && !mayHaveNone)) wrong.push(`${won.length} have won`);
  const winner = won[0]?.act;
  const setByWinner = winner && passwords[winner];

  const expect = (what: string, { status, error }: Outcome, expected: number) => {
    if (status !== expected) wrong.push(`${what}: ${status ?? error}`);
  };
  const login = (address: string, password: string) => server.api.login(address, password);
  const me = (token: string) => server.api.me(token);
  const [address, password] = [winner === 'move' ? newEmail : email, setByWinner ?? PASSWORD] as const;
  expect('what is the password now', await login(address, password), 200);
  if (password !== PASSWORD) expect('the old password', await login(address, PASSWORD), 401);
  if (address !== email) expect('the old address', await login(email, PASSWORD), 401);
  expect('the session of before', await me(bearer), winner ? 401 : 200);
  if (winner === 'change' && !isBeside) {
    const { accessToken } = JSON.parse(won[0]!.text!) as { accessToken: string };
    expect('the session that the change has begun', await me(accessToken), 200);
  }
  // A sign-in beside a stop may have come after it; beside the others it would have been refused then.
  if (SETS_PASSWORD.includes(winner) || winner === 'move')
    for (const token of world.sessions.get(email) ?? [])
      expect('a session begun meanwhile', await me(token), 401);
  for (const act of loseTo(winner))
    if (tokens[act] && succeeded(await ACTS[act](but(world), server, person))) wrong.push(`${act}: too late`);
  expect('the password after that', await login(address, password), 200);
  if (winner === 'move')
    for (const to of [email, newEmail])
      if (world.mailsTo(to, 'moved').length !== 1) wrong.push(`no notice to ${to}`);
  const story = schedule.map(({ act }) => act).join(', ');
  return wrong.map((what) => `${email} (${story}): ${what}`);
}

/** Links that a winner has left dead. Its own, once more, is answered as done; a stop may end all access at any time before a move. */
function loseTo(winner?: Act): Act[] {
  if (!winner) return [];
  const losers: Act[] = winner === 'move' ? ['reset', 'stop'] : ['reset', 'move'];
  return losers.filter((act) => act !== winner);
}

/** Tries of the harness's own are not recorded. */
const but = (world: World) => Object.create(world, { confirmations: { value: [] } });

function rowsOf(races: Race[], wrong: string[], quick: boolean) {
  const won = (act: Act) =>
    races.filter(({ answers }) => answers.some((one) => one.act === act && succeeded(one))).length;
  const counts = CHANGES.map((act) => `${act} ${won(act)}`).join(', ');
  const busy = races.flatMap(({ answers }) => answers).filter(({ status }) => status === 503).length;
  const sample = wrong[0] ? `, e.g. ${wrong[0]}` : '';
  return [
    row(
      '2 to 7 acts on one account at once, over 2 processes: what is not as the one winner leaves it',
      races.length,
      `${wrong.length}${sample}`,
      '0',
      wrong.length === 0,
    ),
    row(
      'winners; answers 503',
      races.length,
      `${counts}; ${busy}`,
      `${quick ? 'resets some' : 'each some'}; any`,
      (quick ? (['reset'] as const) : CHANGES).every((act) => won(act) > 0),
    ),
  ];
}
