// Runs before the server: makes one awaited step of one request or job fail, hang, or end the process. A step is a statement
// of the database, a hash, or a mail that is handed over; it counts where it is done for the request or job under test,
// which the ambient request id tells. What the process does besides, such as fetching jobs, has none.
import bcrypt from 'bcrypt';
import { ClsServiceManager } from 'nestjs-cls';
import { createTransport, type TransportOptions } from 'nodemailer';
import pg from 'pg';
import type { How, Plan } from './faults';

type Work = () => Promise<unknown>;
type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Of the harness, until the fault has happened. */
let plan: (Omit<Plan, 'ignore'> & { ignore: Set<string> }) | undefined;
let watched: string | undefined;
let count = 0;

process.on('message', ({ arm }: { arm?: Plan }) => {
  if (!arm) return;
  plan = { ...arm, ignore: new Set(arm.ignore) };
  watched = undefined;
  count = 0;
  process.send!({ armed: true });
});
// The channel alone must not keep the server from ending.
process.channel!.unref();

/** Of requests and jobs that begin after the harness has armed, the first. */
function isUnderTest() {
  const id = plan && ClsServiceManager.getClsService().getId();
  if (!id || plan!.ignore.has(id)) return false;
  watched ??= id;
  return id === watched;
}

const die = () => process.kill(process.pid, 'SIGKILL');

function fail(): never {
  throw Object.assign(new Error('injected: connection terminated'), { code: 'ECONNRESET' });
}

const FAULTS: Record<How, (work: Work, hangMs: number) => Promise<unknown>> = {
  'throw before': () => Promise.resolve().then(fail),
  'throw after': (work) => work().then(fail),
  hang: (work, ms) => new Promise((resolve) => setTimeout(resolve, ms)).then(work),
  'die before': () => new Promise(die),
  'die after': (work) => work().then(die, die),
};

function step(label: string, work: () => unknown) {
  if (!plan || !isUnderTest()) return work();
  count++;
  process.send!({ step: count, label });
  if (count !== plan.step) return work();
  const { how, hangMs } = plan;
  plan.step = 0;
  process.send!({ fired: label });
  return FAULTS[how](() => Promise.resolve().then(work), hangMs);
}

function wrap(owner: object, name: string, labelOf: (args: unknown[]) => string) {
  const methods = owner as Record<string, Method>;
  const original = methods[name]!;
  methods[name] = function (...args) {
    // With a callback, or a query object of its own, it is the driver that calls, or the pool.
    const isInternal =
      typeof args.at(-1) === 'function' || typeof (args[0] as { submit?: unknown })?.submit === 'function';
    return isInternal ? original.apply(this, args) : step(labelOf(args), () => original.apply(this, args));
  };
}

function statementOf([query]: unknown[]) {
  const text = typeof query === 'string' ? query : (query as { text: string }).text;
  return text.trim().split(/\s+/).slice(0, 3).join(' ');
}

wrap(pg.Client.prototype, 'query', statementOf);
wrap(bcrypt, 'hash', () => 'hash');
wrap(bcrypt, 'compare', () => 'compare');

type Done = (error: Error | null, info?: unknown) => void;

/** The transport takes a callback, which stands for the promise that the program awaits. */
function wrapTransport(pool: boolean) {
  const options = { pool, host: '127.0.0.1' } as TransportOptions;
  const { transporter } = createTransport(options);
  const prototype = Object.getPrototypeOf(transporter) as {
    send: (this: unknown, mail: unknown, done: Done) => void;
  };
  const { send } = prototype;
  prototype.send = function (this: unknown, mail: unknown, done: Done) {
    const sent = () =>
      new Promise((resolve, reject) => {
        send.call(this, mail, (error, info) => (error ? reject(error) : resolve(info)));
      });
    (step('mail', sent) as Promise<unknown>).then(
      (info) => done(null, info),
      (error: Error) => done(error),
    );
  };
}
wrapTransport(true);
wrapTransport(false);
