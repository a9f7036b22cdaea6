// F15: somebody on the way takes STARTTLS out of the mail server's greeting. Nothing of a mail goes out in clear text.
import { row } from '../report.mjs';
import { inParallel, until } from '../time.mjs';

export const f15 = {
  id: 'F15',
  title: 'STARTTLS is stripped',
  limitSeconds: { quick: 120, full: 200 },
  async run(world, { quick }) {
    const n = quick ? 10 : 50;
    await world.seed(n);
    const server = await world.startServer({ MAIL_USE_TLS: '1' });
    await inParallel(world.nextEmails(n), 5, (email) => world.ask(server, email));
    const deferred = () =>
      world.count(
        "SELECT count(DISTINCT details->>'mailId')::int AS n FROM latchkey.audit_events WHERE act = 'mail_deferred'",
      );
    await until(async () => (await deferred()) >= n, 30_000, 200);
    const [named, taken, putOff] = [world.sink.attempts.size, world.sink.messages.length, await deferred()];
    await server.end('SIGTERM');
    // The mails are as good as before: here the operator takes the demand back.
    await world.startServer();
    await world.settle(60_000);
    return [
      row(
        'recipients named in clear text, mails sent so; put off, with an event',
        n,
        `${named}, ${taken}; ${putOff}`,
        `0, 0; ${n}`,
        named === 0 && taken === 0 && putOff === n,
      ),
    ];
  },
};
