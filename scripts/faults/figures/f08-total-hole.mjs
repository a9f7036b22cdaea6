// F8 in the phases that hold for every connection at once: nobody answers to a connection, or to STARTTLS.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { milliseconds, row } from '../report.mjs';
import { delay, inParallel, quantile, until } from '../time.mjs';

const MAILS = 5;
const GIVEN_UP_MS = 30_000;

function totalHole(id, phase, open) {
  return {
    id,
    title: `black hole at ${phase}`,
    limitSeconds: { quick: 150, full: 200 },
    async run(world) {
      await world.seed(MAILS);
      const { port, env, close } = await open(world);
      const stuck = world.addServer({ ...env, MAIL_PORT: String(port) });
      await stuck.start();
      const begin = Date.now();
      await inParallel(world.nextEmails(MAILS), 5, (email) => world.ask(stuck, email));
      await until(async () => (await deferrals(world)).length >= MAILS, 60_000, 200);
      const events = await deferrals(world);
      const slowest = quantile(
        events.map(({ at }) => at.getTime() - begin),
        1,
      );
      await stuck.end('SIGTERM');
      await close();
      await world.startServer();
      await world.settle(60_000);
      const codes = [...new Set(events.map(({ error }) => error))].join(', ');
      return [
        row(
          `silent at ${phase}: mails put off, the last after`,
          MAILS,
          `${events.length} (${codes}), ${milliseconds(slowest)}`,
          `${MAILS}, ≤ 30 s`,
          events.length >= MAILS && slowest <= GIVEN_UP_MS,
        ),
      ];
    },
  };
}

async function deferrals({ database }) {
  const { rows } = await database.query(
    "SELECT DISTINCT ON (details->>'mailId') at, details->>'error' AS error FROM latchkey.audit_events WHERE act = 'mail_deferred' ORDER BY details->>'mailId', at",
  );
  return rows;
}

/** A listener that is stopped, with its queue full. */
async function deafListener() {
  const child = fork(join(import.meta.dirname, '..', 'deaf-listener.cjs'));
  const [port] = await once(child, 'message');
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 4 }, () =>
    net.connect(port, '127.0.0.1').on('error', () => undefined),
  );
  await delay(500);
  const close = async () => {
    for (const filler of fillers) filler.destroy();
    child.kill('SIGKILL');
  };
  return { port, env: {}, close };
}

async function silentAtTls(world) {
  const sink = await world.addSink();
  sink.offersTls = true;
  sink.react = (phase) => (phase === 'starttls' ? { stall: true } : undefined);
  return { port: sink.port, env: { MAIL_USE_TLS: '1' }, close: async () => undefined };
}

export const f08connect = totalHole('F8a', 'connect', deafListener);
export const f08tls = totalHole('F8b', 'STARTTLS', silentAtTls);
