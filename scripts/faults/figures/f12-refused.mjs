// F12, F13: the mail server refuses a mail for good, at its recipient or after its text. It is tried once and no more, and who asks sees nothing of it.
import { row } from '../report.mjs';
import { delay, inParallel } from '../time.mjs';

function refusal(id, title, phase, reply) {
  return {
    id,
    title,
    limitSeconds: { quick: 90, full: 300 },
    async run(world, { quick }) {
      const n = quick ? 20 : 200;
      await world.seed(n);
      const server = await world.startServer();
      world.sink.react = (at) => (at === phase ? { reply } : undefined);
      const emails = world.nextEmails(n);
      const answers = await inParallel(emails, 5, (email) => world.ask(server, email));
      const unknown = await server.call('POST', '/api/password-reset', {
        body: { email: 'nobody@example.com' },
      });
      await world.settle(60_000);
      // Long enough for a retry that must not come: the first comes after ten seconds or so.
      await delay(quick ? 12_000 : 45_000);
      return [attempts(world, emails, title), await events(world, n), sameAnswers(answers, unknown)];
    },
  };
}

function attempts(world, emails, title) {
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

async function events(world, n) {
  const bounced = await world.count(
    "SELECT count(DISTINCT details->>'mailId')::int AS n FROM latchkey.audit_events WHERE act = 'mail_bounced'",
  );
  return row('events mail_bounced', n, `${bounced}`, `${n}`, bounced === n);
}

function sameAnswers(answers, unknown) {
  const shown = ({ status, text }) => `${status} ${text}`;
  const others = answers.filter((answer) => shown(answer) !== shown(unknown)).length;
  return row('answers unlike that for an unknown address', answers.length, `${others}`, '0', others === 0);
}

export const f12 = refusal('F12', '550 at RCPT', 'rcpt', '550 5.1.1 no such user');
export const f13 = refusal('F13', '554 after DATA', 'body', '554 5.7.1 not wanted');
