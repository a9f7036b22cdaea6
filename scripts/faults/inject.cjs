// Runs before the server: makes one awaited step of one request or job fail, hang, or end the process. A step is a statement
// of the database, a hash, or a mail that is handed over; it counts where it is done for the request or job under test,
// which the ambient request id tells. What the process does besides, such as looking for jobs, has none.
const bcrypt = require('bcrypt');
const { ClsServiceManager } = require('nestjs-cls');
const nodemailer = require('nodemailer');
const pg = require('pg');

/** `{ step, how, hangMs, ignore }` of the harness, until the fault has happened. */
let plan;
let watched;
let count = 0;

process.on('message', ({ arm }) => {
  if (!arm) return;
  plan = { ...arm, ignore: new Set(arm.ignore) };
  watched = undefined;
  count = 0;
  process.send({ armed: true });
});
// The channel alone must not keep the server from ending.
process.channel.unref();

/** Of requests and jobs that begin after the harness has armed, the first. */
function isUnderTest() {
  const id = plan && ClsServiceManager.getClsService().getId();
  if (!id || plan.ignore.has(id)) return false;
  watched ??= id;
  return id === watched;
}

const die = () => process.kill(process.pid, 'SIGKILL');

function fail() {
  throw Object.assign(new Error('injected: connection terminated'), { code: 'ECONNRESET' });
}

const FAULTS = {
  'throw before': async () => fail(),
  'throw after': async (work) => {
    await work();
    fail();
  },
  hang: (work, ms) => new Promise((resolve) => setTimeout(resolve, ms)).then(work),
  'die before': () => new Promise(die),
  'die after': (work) => work().then(die, die),
};

function step(label, work) {
  if (!isUnderTest()) return work();
  count++;
  process.send({ step: count, label });
  if (count !== plan.step) return work();
  const { how, hangMs } = plan;
  plan.step = 0;
  process.send({ fired: label });
  return FAULTS[how](async () => work(), hangMs);
}

function wrap(owner, name, labelOf) {
  const original = owner[name];
  owner[name] = function (...args) {
    // With a callback, or a query object of its own, it is the driver that asks, or the pool.
    if (typeof args.at(-1) === 'function' || typeof args[0]?.submit === 'function')
      return original.apply(this, args);
    return step(labelOf(args), () => original.apply(this, args));
  };
}

const statement = (text) => text.trim().split(/\s+/).slice(0, 3).join(' ');
wrap(pg.Client.prototype, 'query', ([query]) => statement(typeof query === 'string' ? query : query.text));
wrap(bcrypt, 'hash', () => 'hash');
wrap(bcrypt, 'compare', () => 'compare');

/** The transport takes a callback, which stands for the promise that the program awaits. */
function wrapTransport(pool) {
  const { transporter } = nodemailer.createTransport({ pool, host: '127.0.0.1' });
  const prototype = Object.getPrototypeOf(transporter);
  const { send } = prototype;
  prototype.send = function (mail, done) {
    const sent = () =>
      new Promise((resolve, reject) => {
        send.call(this, mail, (error, info) => (error ? reject(error) : resolve(info)));
      });
    step('mail', sent).then(
      (info) => done(null, info),
      (error) => done(error),
    );
  };
}
wrapTransport(true);
wrapTransport(false);
