// People: some sign in, all ask for a link, some of them use it. Everybody has an account of their own.
import { atRate, until } from './time.mjs';

const MAIL_PATIENCE_MS = 30_000;
const SIGN_IN_FIRST = 0.2;
const USE_THE_LINK = 0.3;
const EXPECTED = { login: 200, ask: 202, confirm: 204 };

/**
 * Begins to send so many people a second.
 * @param pick gives the server that a request goes to
 * @returns a function that stops, and gives every answer when all are in
 */
export function beginTraffic(world, perSecond, pick) {
  const answers = [];
  let over = false;
  const note = (act, answer) => {
    answers.push({ act, ok: answer.status === EXPECTED[act], at: performance.now(), ...answer });
    return answer;
  };
  const people = atRate(
    perSecond,
    () => !over,
    () => journey(world, pick, note, () => over),
  );
  return async () => {
    over = true;
    await people;
    return answers;
  };
}

async function journey(world, pick, note, isOver) {
  const email = world.nextEmail();
  const [signsIn, usesIt] = [world.random.chance(SIGN_IN_FIRST), world.random.chance(USE_THE_LINK)];
  if (signsIn) note('login', await world.login(pick(), email));
  const { status } = note('ask', await world.ask(pick(), email));
  if (status !== 202 || !usesIt) return;
  const hasMail = () => world.sink.newestTo.has(email);
  await until(() => hasMail() || isOver(), MAIL_PATIENCE_MS, 200);
  if (!hasMail()) return;
  note('confirm', await world.confirm(pick(), email, world.sink.newestTo.get(email).token));
}

/** @returns how many were not answered as they should, and examples */
export function failuresOf(answers) {
  const failures = answers.filter(({ ok }) => !ok);
  const kinds = new Map();
  for (const { act, status, error } of failures) {
    const kind = `${act ? `${act} ` : ''}${status ?? error}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return { n: failures.length, text: [...kinds].map(([kind, n]) => `${n} × ${kind}`).join(', ') || 'none' };
}
