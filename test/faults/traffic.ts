// People: some sign in, all request a link, some of them use it. Everybody has an account of their own.
import type { Answer, Server } from './server';
import { atRate, until } from './time';
import type { World } from './world';

const MAIL_PATIENCE_MS = 30_000;
const SIGN_IN_FIRST = 0.2;
const USE_THE_LINK = 0.3;
const EXPECTED = { login: 200, request: 202, confirm: 204 };

interface TrafficAnswer extends Answer {
  act: keyof typeof EXPECTED;
  ok: boolean;
}

type Note = (act: TrafficAnswer['act'], answer: Answer) => Answer;

/**
 * Begins to send so many people a second.
 * @param pick gives the server that a request goes to
 * @returns a function that stops, and gives every answer when all are in
 */
export function beginTraffic(world: World, perSecond: number, pick: () => Server) {
  const answers: TrafficAnswer[] = [];
  let over = false;
  const note: Note = (act, answer) => {
    answers.push({ act, ok: answer.status === EXPECTED[act], ...answer });
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

async function journey(world: World, pick: () => Server, note: Note, isOver: () => boolean) {
  const email = world.nextEmail();
  const [signsIn, usesIt] = [world.random.chance(SIGN_IN_FIRST), world.random.chance(USE_THE_LINK)];
  if (signsIn) note('login', await world.login(pick(), email));
  const { status } = note('request', await world.requestReset(pick(), email));
  if (status !== 202 || !usesIt) return;
  const hasMail = () => world.sink.newestTo.has(email);
  await until(() => hasMail() || isOver(), MAIL_PATIENCE_MS, 200);
  if (!hasMail()) return;
  note('confirm', await world.confirm(pick(), email, world.tokenTo(email)));
}

interface Failure {
  act?: string;
  ok?: boolean;
  status?: number;
  error?: string;
}

/** @returns how many were not answered as they should, and examples */
export function failuresOf(answers: Failure[]) {
  const failures = answers.filter(({ ok }) => !ok);
  const kinds = new Map<string, number>();
  for (const { act, status, error } of failures) {
    const kind = `${act ? `${act} ` : ''}${status ?? error}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return { n: failures.length, text: [...kinds].map(([kind, n]) => `${n} × ${kind}`).join(', ') || 'none' };
}

export function succeeded({ status }: { status?: number }) {
  return status !== undefined && status < 400;
}
