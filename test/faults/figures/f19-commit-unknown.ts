// F19: the connection to the database breaks at COMMIT, so that the program cannot know what became of a new password.
import { figure } from '../figure';
import { row } from '../report';
import type { Server } from '../server';
import type { Wire } from '../wire';
import type { World } from '../world';

export const f19 = figure({
  id: 'F19',
  title: 'connection reset at COMMIT of a confirmation',
  quick: true,
  limitSeconds: { quick: 400, full: 600 },
  async run(world, { quick, say }) {
    const n = quick ? 16 : 400;
    await world.seed(n);
    const calm = await world.startServer();
    const wire = await world.addWire();
    const shaken = await world.startServer({ ROLE: 'web' }, { wire });
    const emails = world.nextEmails(n);
    for (const email of emails.slice(0, 20)) await world.login(calm, email);
    const tokens = await world.linksFor(calm, emails);
    const wrong: string[] = [];
    for (const { email, token } of tokens) {
      const problem = await confirmTwice(world, shaken, wire, email, token);
      if (problem) wrong.push(problem);
      if (wrong.length + 1 === n / 10) say('many are wrong');
    }
    await world.settle(60_000);
    const { before, after } = wire.broken;
    return [
      row(
        `broken before PostgreSQL had the COMMIT (${before}) or before its answer came (${after}): wrong answers to the client that tries again`,
        n,
        `${wrong.length}${wrong[0] ? `, e.g. ${wrong[0]}` : ''}`,
        '0; password and record: see I3',
        wrong.length === 0 && before + after >= n,
      ),
    ];
  },
});

/** @returns what is wrong with the two answers: the first is lost, the second is the success */
async function confirmTwice(world: World, shaken: Server, wire: Wire, email: string, token: string) {
  let how: 'before' | 'after' | undefined;
  wire.atCommit = () => {
    if (how) return undefined;
    how = world.random.chance(0.5) ? 'before' : 'after';
    return how;
  };
  const password = world.newPassword();
  const first = await world.confirm(shaken, email, token, password);
  wire.atCommit = () => undefined;
  const second = await world.confirm(shaken, email, token, password);
  const story = `${how}: ${first.status ?? first.error}, then ${second.status ?? second.error}`;
  if (first.status !== 503) return `${story} (503 expected first)`;
  // Where the first has gone through, the second is answered as done.
  if (second.status !== 204) return `${story} (204 expected second)`;
  const login = await world.login(shaken, email, password);
  world.sessions.delete(email);
  return login.status === 200 ? undefined : `${story}, and the new password is refused`;
}
