// F11 where no mail is even named: the name of the mail server is unknown, and the server says 421 at the connection.
import { figure } from '../figure';
import { row } from '../report';
import type { Server } from '../server';
import { inParallel, until } from '../time';
import type { World } from '../world';

export const f11a = figure({
  id: 'F11a',
  title: 'the mail server cannot be found, or says 421 at the connection',
  limitSeconds: { quick: 400, full: 300 },
  async run(world, { quick }) {
    // A look-up in vain takes seconds.
    const n = quick ? 10 : 50;
    await world.seed(2 * n);
    const lost = await world.startServer({ MAIL_SERVER: 'mail.invalid' });
    const unknown = await putOff(world, lost, n);
    await lost.end('SIGTERM');
    world.sink.react = (phase) => (phase === 'banner' ? { reply: '421 4.3.2 too busy' } : undefined);
    const server = await world.startServer();
    const busy = await putOff(world, server, n);
    world.sink.react = () => undefined;
    const settled = await world.settle(150_000);
    const ids = new Set(world.messages.map(({ id }) => id)).size;
    return [
      deferredRow('the name of the mail server is unknown', n, unknown),
      deferredRow('421 at the connection', n, busy),
      row(
        'delivered afterwards; copies',
        2 * n,
        `${ids}; ${world.messages.length - ids}`,
        `${2 * n}; 0`,
        settled !== undefined && ids === 2 * n && world.messages.length === ids,
      ),
    ];
  },
});

/** Requests so many mails. @returns of each the error with which it was put off first */
async function putOff(world: World, server: Server, n: number) {
  const earlier = await deferrals(world, []);
  await inParallel(world.nextEmails(n), 5, (email) => world.requestReset(server, email));
  const known = earlier.map(({ id }) => id);
  await until(async () => (await deferrals(world, known)).length >= n, 90_000, 200);
  return deferrals(world, known);
}

interface Deferral {
  id: string;
  error: string;
}

async function deferrals({ database }: World, without: string[]) {
  const { rows } = await database.query<Deferral>(
    `SELECT DISTINCT ON (details->>'mailId') details->>'mailId' AS id, details->>'error' AS error FROM latchkey.audit_events
     WHERE act = 'mail_deferred' AND details->>'mailId' <> ALL($1) ORDER BY details->>'mailId', at`,
    [without],
  );
  return rows;
}

function deferredRow(what: string, n: number, deferred: Deferral[]) {
  const errors = [...new Set(deferred.map(({ error }) => error))].join(', ');
  return row(
    `${what}: mails put off, with the error`,
    n,
    `${deferred.length} (${errors})`,
    `${n}`,
    deferred.length === n,
  );
}
