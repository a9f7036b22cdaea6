// I1, I5, I6, I7: mails.
import type { Server } from '../server';
import type { World } from '../world';
import { claimsOf } from '../mail';
import type { Message } from '../sink';

/** What ends a request, or a notice, without a mail; each is documented. */
const NO_MAIL = `
  SELECT u.email, count(*)::int AS n FROM latchkey.audit_events e JOIN latchkey.users u ON u.id::text = e.user_id
  WHERE e.act = 'password_reset_mailed' AND e.outcome = 'failure' GROUP BY u.email`;
/** A mail that is given up, or refused for good, is recorded under the request that has caused it. */
const NO_NOTICE = `
  SELECT u.email, count(DISTINCT e.details->>'mailId')::int AS n
  FROM latchkey.audit_events e
  JOIN latchkey.audit_events cause ON cause.request_id = e.request_id
    AND cause.act IN ('password_reset_completed', 'password_changed') AND cause.outcome = 'success'
  JOIN latchkey.users u ON u.id::text = cause.user_id
  WHERE e.act IN ('mail_bounced', 'mail_given_up') GROUP BY u.email`;
const GIVEN_UP = `
  SELECT u.email, count(*)::int AS n FROM latchkey.audit_events e
  JOIN latchkey.password_resets r ON r.id::text = e.details->>'mailId'
  JOIN latchkey.users u ON u.id::text = r.user_id
  WHERE e.act = 'mail_given_up' GROUP BY u.email`;

/** Copies of one mail have one Message-ID. @returns the different ones by address */
export function mailIdsByAddress(messages: Message[], kind: string) {
  const byAddress = new Map<string, Set<string>>();
  for (const message of messages) {
    if (message.kind !== kind) continue;
    const ids = byAddress.get(message.to) ?? new Set<string>();
    byAddress.set(message.to, ids.add(message.id!));
  }
  return byAddress;
}

/** I1: every request that was answered with 202 has a mail, or an event that says why there is none. */
export async function mailsArrived({ requested, messages, database }: World) {
  const mails = mailIdsByAddress(messages, 'reset');
  const ends = [byEmail(await database.query(NO_MAIL)), byEmail(await database.query(GIVEN_UP))];
  const ended = (email: string) => ends.reduce((sum, counts) => sum + (counts.get(email) ?? 0), 0);
  const wrong = [...requested].filter(([email, n]) => (mails.get(email)?.size ?? 0) + ended(email) < n);
  return {
    n: requested.size,
    wrong: wrong.map(([email, n]) => `${n} requests of ${email} have too few mails`),
  };
}

/** I5: no job is held longer than its lease. Inspected by {@link watchJobs} all the while, and now. */
export async function noStuckJobs(world: World) {
  const { rows } = await world.database.query<{ id: string }>(STUCK_JOBS);
  return {
    n: world.inspectionsForStuckJobs,
    wrong: [...world.stuckJobs, ...rows.map(({ id }) => `job ${id}`)],
  };
}

/** Workers reclaim expired leases every few seconds; on a machine that is overloaded it takes them longer. */
const STUCK_JOBS = `
  SELECT id, queue FROM latchkey.jobs
  WHERE state = 'active' AND lease_until + interval '30 seconds' < now()`;

/** Watches for jobs that are held too long, until it is stopped; while there is a worker that could free them. */
export function watchJobs(world: World) {
  const inspect = async () => {
    if (!world.servers.some((server) => canReclaim(server))) return;
    // The figure may have stopped PostgreSQL.
    const result = await world.database
      .query<{ id: string; queue: string }>(STUCK_JOBS)
      .catch(() => undefined);
    if (!result) return;
    world.inspectionsForStuckJobs++;
    for (const { id, queue } of result.rows) world.stuckJobs.add(`${queue} ${id}`);
  };
  const timer = setInterval(() => void inspect(), 2000);
  return () => clearInterval(timer);
}

/** Whether it has handled jobs, and reached its database, for longer than maintenance takes to come round. */
function canReclaim({ alive, readySince, options: { env, wire } }: Server) {
  const since = wire ? Math.max(readySince, wire.openSince ?? Infinity) : readySince;
  return alive && env.ROLE !== 'web' && performance.now() - since > 20_000;
}

/** I6: no mail was handed over after its link had died: by the link itself, and by its row. */
export async function noDeadLinks({ messages, database }: World) {
  const resets = messages.filter(({ kind }) => kind === 'reset');
  const ids = [...new Set(resets.map(({ id }) => id))];
  const { rows } = await database.query<{ id: string; expires_at: Date }>(
    'SELECT id, expires_at FROM latchkey.password_resets WHERE id = ANY($1)',
    [ids],
  );
  const ends = new Map(rows.map((row) => [row.id, row.expires_at.getTime()]));
  const dead = resets.filter(({ id, at, expiresAt }) => expiresAt <= at || !((ends.get(id!) ?? 0) > at));
  return { n: resets.length, wrong: dead.map(({ id, to }) => `mail ${id} to ${to}`) };
}

const CHANGES = `
  SELECT u.email, count(*)::int AS n FROM latchkey.audit_events e JOIN latchkey.users u ON u.id::text = e.user_id
  WHERE e.act IN ('password_reset_completed', 'password_changed') AND e.outcome = 'success'
    AND e.details->>'repeated' IS DISTINCT FROM 'true' GROUP BY u.email`;

/** I7: as many notices as changes; copies of one have one Message-ID. One that was refused for good is none. */
export async function noticesMatch({ messages, database }: World) {
  const notices = mailIdsByAddress(messages, 'notice');
  const changes = byEmail(await database.query(CHANGES));
  const ended = byEmail(await database.query(NO_NOTICE));
  const wrong = [...new Set([...notices.keys(), ...changes.keys()])].flatMap((email) => {
    const [made, sent] = [changes.get(email) ?? 0, notices.get(email)?.size ?? 0];
    const fits = sent <= made && sent + (ended.get(email) ?? 0) >= made;
    return fits ? [] : [`${sent} notices of ${made} changes to ${email}`];
  });
  return { n: changes.size, wrong };
}

function byEmail({ rows }: { rows: { email: string; n: number }[] }) {
  return new Map(rows.map(({ email, n }) => [email, n]));
}

/** @returns mails that came more than once, and whether all copies of each are the same */
export function copies(messages: Message[]) {
  const byId = new Map<string | undefined, Message[]>();
  for (const message of messages) byId.set(message.id, [...(byId.get(message.id) ?? []), message]);
  const repeated = [...byId.values()].filter((group) => group.length > 1);
  return {
    extra: messages.length - byId.size,
    most: Math.max(0, ...repeated.map(({ length }) => length - 1)),
    different: repeated.filter((group) => new Set(group.map(rowOf)).size > 1).length,
    differentBytes: repeated.filter((group) => new Set(group.map(({ digest }) => digest)).size > 1).length,
  };
}

/** Whom a mail is for, and which row its link names: each copy has a token of its own. */
function rowOf({ to, token }: Message) {
  return `${to} ${token && claimsOf(token).jti}`;
}
