// F12, F13: the mail server refuses a recipient for good, when it is named or after the text. The mail is tried once and no more,
// and the client that requests it sees nothing of it. F13a: it refuses us. Every mail is kept, and leaves when the server takes it.
import { figure } from '../figure';
import { row } from '../report';
import type { Answer } from '../server';
import type { Phase } from '../sink';
import { delay, inParallel, until } from '../time';
import type { World } from '../world';

function refusal(id: string, title: string, phase: Phase, reply: string) {
  return figure({
    id,
    title,
    limitSeconds: { quick: 300, full: 300 },
    async run(world, { quick }) {
      const n = quick ? 20 : 200;
      await world.seed(n);
      const server = await world.startServer();
      world.sink.react = (at) => (at === phase ? { reply } : undefined);
      const emails = world.nextEmails(n);
      const answers = await inParallel(emails, 5, (email) => world.requestReset(server, email));
      const unknown = await server.api.requestReset('nobody@example.com');
      await world.settle(60_000);
      // Long enough for a retry that must not come: the first comes after ten seconds or so.
      await delay(quick ? 12_000 : 45_000);
      return [attempts(world, emails, title), await events(world, n), sameAnswers(answers, unknown)];
    },
  });
}

function attempts(world: World, emails: string[], title: string) {
  const counts = emails.map((email) => world.sink.attempts.get(email)?.length ?? 0);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return row(
    title,
    emails.length,
    `${least} to ${most} attempts`,
    'exactly 1 each',
    least === 1 && most === 1,
  );
}

async function events(world: World, n: number) {
  const bounced = await world.countMailsWith('mail_bounced');
  return row('events mail_bounced', n, `${bounced}`, `${n}`, bounced === n);
}

function sameAnswers(answers: Answer[], unknown: Answer) {
  const shown = ({ status, text }: Answer) => `${status} ${text}`;
  const others = answers.filter((answer) => shown(answer) !== shown(unknown)).length;
  return row('answers unlike that for an unknown address', answers.length, `${others}`, '0', others === 0);
}

export const f12 = refusal('F12', '550 at RCPT', 'rcpt', '550 5.1.1 no such user');
export const f13 = refusal('F13', '552 5.2.2 after DATA', 'body', '552 5.2.2 mailbox full');

/** As large providers say that it is us whom they do not want. */
const REFUSALS_OF_US: [phase: Phase, reply: string][] = [
  ['banner', '554 5.3.2 no service for you'],
  ['mail', '553 sender rejected'],
  ['mail', '550 5.4.5 daily limit'],
  ['rcpt', '550 5.4.5 daily limit'],
  ['body', '554 5.7.0 daily limit'],
];

export const f13a = figure({
  id: 'F13a',
  title: 'the mail server refuses us: at its greeting, MAIL, RCPT, after DATA',
  limitSeconds: { quick: 400, full: 300 },
  async run(world, { quick }) {
    const n = quick ? 5 : 40;
    await world.seed(n * REFUSALS_OF_US.length);
    const server = await world.startServer();
    const emails: string[] = [];
    for (const [phase, reply] of REFUSALS_OF_US) {
      world.sink.react = (at) => (at === phase ? { reply } : undefined);
      const chosen = world.nextEmails(n);
      emails.push(...chosen);
      await inParallel(chosen, 5, (email) => world.requestReset(server, email));
      await until(async () => (await world.countMailsWith('mail_deferred')) >= emails.length, 60_000, 200);
    }
    const putOff = await world.countMailsWith('mail_deferred');
    world.sink.react = () => undefined;
    await world.settle(120_000);
    const delivered = emails.filter((email) => world.sink.to(email).length === 1).length;
    return [
      row(
        'mails put off, with an event',
        emails.length,
        `${putOff}`,
        `${emails.length}`,
        putOff === emails.length,
      ),
      row(
        'delivered once afterwards',
        emails.length,
        `${delivered}`,
        `${emails.length}`,
        delivered === emails.length,
      ),
    ];
  },
});
