// F8 in the phases that hold for every connection at once: nobody answers to a connection, or to STARTTLS.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { figure } from '../figure';
import { milliseconds, row } from '../report';
import type { Settings } from '../server';
import { delay, inParallel, quantile, until } from '../time';
import type { World } from '../world';

const MAILS = 5;
const GIVEN_UP_MS = 30_000;

interface Hole {
  port: number;
  env: Settings;
  close: () => void;
}

function totalHole(id: string, phase: string, open: (world: World) => Promise<Hole>) {
  return figure({
    id,
    title: `black hole at ${phase}`,
    limitSeconds: { quick: 300, full: 300 },
    async run(world) {
      await world.seed(MAILS);
      const { port, env, close } = await open(world);
      const stuck = world.addServer({ ...env, MAIL_PORT: String(port) });
      await stuck.start();
      const begin = Date.now();
      await inParallel(world.nextEmails(MAILS), 5, (email) => world.requestReset(stuck, email));
      await until(async () => (await deferrals(world)).length >= MAILS, 60_000, 200);
      const events = await deferrals(world);
      const slowest = quantile(
        events.map(({ at }) => at.getTime() - begin),
        1,
      );
      await stuck.end('SIGTERM');
      close();
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
  });
}

async function deferrals({ database }: World) {
  const { rows } = await database.query<{ at: Date; error: string }>(
    "SELECT DISTINCT ON (details->>'mailId') at, details->>'error' AS error FROM latchkey.audit_events WHERE act = 'mail_deferred' ORDER BY details->>'mailId', at",
  );
  return rows;
}

/** A listener that is stopped, with its queue full. */
async function deafListener(): Promise<Hole> {
  const child = fork(join(__dirname, '..', 'deaf-listener.js'));
  const [port] = (await once(child, 'message')) as [number];
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 4 }, () =>
    net.connect(port, '127.0.0.1').on('error', () => undefined),
  );
  await delay(500);
  const close = () => {
    for (const filler of fillers) filler.destroy();
    child.kill('SIGKILL');
  };
  return { port, env: {}, close };
}

async function silentAtTls(world: World): Promise<Hole> {
  const sink = await world.addSink();
  sink.offersTls = true;
  sink.react = (phase) => (phase === 'starttls' ? { stall: true } : undefined);
  return { port: sink.port, env: { MAIL_USE_TLS: '1' }, close: () => undefined };
}

export const f08connect = totalHole('F8a', 'connect', deafListener);
export const f08tls = totalHole('F8b', 'STARTTLS', silentAtTls);
