// F24: resets, a change of password, a change of address and its stop, sign-ins and the disabling of the account, all at once.
// One act that changes credentials wins, and everything is as that one leaves it.
import { row } from '../report.mjs';
import { delay, inParallel, mustBe } from '../time.mjs';
import { PASSWORD } from '../world.mjs';

/** What is done beside a reset: some of these, as often as they stand here at most. */
const OTHERS = ['reset', 'change', 'move', 'stop', 'login', 'login', 'disable'];
const LONGEST_PAUSE_MS = 40;
/** They end what the others have in hand, so that of those that begin together only one can succeed. */
const CHANGES = ['reset', 'change', 'move', 'stop'];
/** What a change leaves of the old password. */
const SETS_PASSWORD = ['reset', 'change'];

export const f24 = {
  id: 'F24',
  title: 'reset, change of password, change of address, sign-in and disabling at once',
  limitSeconds: { quick: 90, full: 700 },
  async run(world, { quick, say, random }) {
    const n = quick ? 50 : 1000;
    await world.seed(n);
    const servers = [await world.startServer(), await world.startServer({ ROLE: 'web' })];
    const emails = world.nextEmails(n);
    const schedules = emails.map(() => scheduleOf(random));
    const people = await inParallel(emails, 6, (email) => getReady(world, servers[0], email));
    say(`${n} schedules`);
    const races = await inParallel(people, 4, (person, k) => race(world, servers, person, schedules[k]));
    await world.settle(60_000);
    const wrong = await inParallel(races, 4, (one) => aftermath(world, servers[1], one));
    return rowsOf(races, wrong.flat(), quick);
  },
};

/** A reset, and one to six more acts; each with its pause, at either process. */
function scheduleOf(random) {
  const others = random.shuffle(OTHERS).slice(0, 1 + Math.floor(random.next() * 6));
  return ['reset', ...others].map((act) => ({
    act,
    server: random.pick([0, 1]),
    pauseMs: random.between(0, LONGEST_PAUSE_MS),
  }));
}

/** Somebody who is signed in, has a link for a new password, and is about to change the address. */
async function getReady(world, server, email) {
  const { accessToken: bearer } = await world.login(server, email);
  const newEmail = `moved-${email}`;
  const tokens = {};
  await world.ask(server, email);
  const body = { email: newEmail, currentPassword: PASSWORD };
  await server.call('POST', '/api/users/me/email', { bearer, body });
  await mustBe(() => hasMails(world, email, newEmail, tokens), `mails to ${email}`, 60_000);
  const [reset, changed] = [world.newPassword(), world.newPassword()];
  return { email, newEmail, bearer, tokens, passwords: { reset, change: changed } };
}

function hasMails(world, email, newEmail, tokens) {
  tokens.reset = world.mailsTo(email)[0]?.token;
  tokens.stop = world.mailsTo(email, 'cancel')[0]?.token;
  tokens.move = world.mailsTo(newEmail, 'confirm')[0]?.token;
  return tokens.reset && tokens.stop && tokens.move;
}

async function race(world, servers, person, schedule) {
  const answers = await Promise.all(
    schedule.map(async ({ act, server, pauseMs }) => {
      await delay(pauseMs);
      return { act, ...(await ACTS[act](world, servers[server], person)) };
    }),
  );
  return { person, schedule, answers };
}

const ACTS = {
  reset: (world, server, { email, tokens, passwords }) =>
    world.confirm(server, email, tokens.reset, passwords.reset),
  change: (_, server, { bearer, passwords }) =>
    server.call('POST', '/api/users/me/password', {
      bearer,
      body: { currentPassword: PASSWORD, password: passwords.change },
    }),
  move: (_, server, { tokens }) =>
    server.call('POST', '/api/email-change/confirm', { body: { token: tokens.move } }),
  stop: (_, server, { tokens }) =>
    server.call('POST', '/api/email-change/cancel', { body: { token: tokens.stop } }),
  login: (world, server, { email }) => world.login(server, email),
  disable: async (world, server, { email, bearer }) => {
    await setDisabled(world, email, 'now()');
    // From here on nothing opens the account.
    const body = { email, password: PASSWORD };
    const login = await server.call('POST', '/api/auth/login', { body });
    const session = await server.call('GET', '/api/users/me', { bearer });
    return { status: login.status === 401 && session.status === 401 ? 200 : 'still open' };
  },
};

/** Whichever address the account has by now. */
async function setDisabled({ database }, email, value) {
  const emails = [email, `moved-${email}`];
  await database.query(`UPDATE latchkey.users SET disabled_at = ${value} WHERE email = ANY($1)`, [emails]);
}

const succeeded = ({ status }) => status < 300;
const isHonest = ({ status }) => succeeded({ status }) || (status >= 400 && status < 500) || status === 503;

/** @returns what is not as the winner has left it */
async function aftermath(world, server, { person, schedule, answers }) {
  const { email, newEmail, bearer, tokens, passwords } = person;
  await setDisabled(world, email, 'NULL');
  const wrong = answers
    .filter((answer) => !isHonest(answer))
    .map(({ act, status, error }) => `${act}: ${status ?? error}`);
  const winners = answers.filter((answer) => CHANGES.includes(answer.act) && succeeded(answer));
  const mayHaveNone = answers.some(({ act, status }) => act === 'disable' || status === 503);
  if (winners.length > 1 || (winners.length === 0 && !mayHaveNone)) wrong.push(`${winners.length} have won`);
  const winner = winners[0]?.act;

  const expect = (what, { status, error }, expected) => {
    if (status !== expected) wrong.push(`${what}: ${status ?? error}`);
  };
  const login = (address, password) =>
    server.call('POST', '/api/auth/login', { body: { email: address, password } });
  const me = (token) => server.call('GET', '/api/users/me', { bearer: token });
  const [address, password] = [winner === 'move' ? newEmail : email, passwords[winner] ?? PASSWORD];
  expect('what is the password now', await login(address, password), 200);
  if (password !== PASSWORD) expect('the old password', await login(address, PASSWORD), 401);
  if (address !== email) expect('the old address', await login(email, PASSWORD), 401);
  expect('the session of before', await me(bearer), winner ? 401 : 200);
  if (winner === 'change') {
    const { accessToken } = JSON.parse(winners[0].text);
    expect('the session that the change has begun', await me(accessToken), 200);
  }
  // A sign-in beside a stop may have come after it; beside the others it would have been refused then.
  if (SETS_PASSWORD.includes(winner) || winner === 'move')
    for (const token of world.sessions.get(email)) expect('a session begun meanwhile', await me(token), 401);
  for (const act of winner ? ['reset', 'move', 'stop'] : [])
    if (tokens[act] && succeeded(await ACTS[act](but(world), server, person))) wrong.push(`${act}: again`);
  if (winner === 'move')
    for (const to of [email, newEmail])
      if (world.mailsTo(to, 'moved').length !== 1) wrong.push(`no notice to ${to}`);
  const story = schedule.map(({ act }) => act).join(', ');
  return wrong.map((what) => `${email} (${story}): ${what}`);
}

/** Tries of the harness's own are not in the book. */
const but = (world) => Object.create(world, { confirmations: { value: [] } });

function rowsOf(races, wrong, quick) {
  const won = (act) =>
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
      (quick ? ['reset'] : CHANGES).every((act) => won(act) > 0),
    ),
  ];
}
