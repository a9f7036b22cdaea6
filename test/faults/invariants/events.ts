// I8: the record and what has happened are one.
import type { World } from '../world';

const MISMATCHES = {
  'a spent link without its event, or with several': `
    SELECT r.id FROM latchkey.password_resets r LEFT JOIN latchkey.audit_events e
      ON e.act = 'password_reset_completed' AND e.outcome = 'success' AND e.details->>'resetId' = r.id::text
      AND e.details->>'repeated' IS DISTINCT FROM 'true'
    WHERE r.used_at IS NOT NULL GROUP BY r.id HAVING count(e.id) <> 1`,
  'an event of a link that was not spent': `
    SELECT e.id FROM latchkey.audit_events e LEFT JOIN latchkey.password_resets r ON e.details->>'resetId' = r.id::text
    WHERE e.act = 'password_reset_completed' AND e.outcome = 'success' AND r.used_at IS NULL`,
  'a session without its event, or with several': `
    SELECT s.id FROM latchkey.sessions s LEFT JOIN latchkey.audit_events e
      ON e.act = 'session_started' AND e.details->>'sessionId' = s.id::text
    GROUP BY s.id HAVING count(e.id) <> 1`,
  'a number of ended sessions that does not fit': `
    SELECT started AS id FROM (SELECT
      (SELECT count(*) FROM latchkey.audit_events WHERE act = 'session_started') AS started,
      (SELECT count(*) FROM latchkey.sessions) AS live,
      (SELECT coalesce(sum(coalesce((details->>'sessions')::int, 1)), 0) FROM latchkey.audit_events WHERE act = 'session_ended') AS ended
    ) counts WHERE started <> live + ended`,
};

export async function eventsMatch({ database }: World) {
  const wrong: string[] = [];
  for (const [what, sql] of Object.entries(MISMATCHES)) {
    const { rows } = await database.query<{ id: string }>(sql);
    wrong.push(...rows.map(({ id }) => `${what}: ${id}`));
  }
  const { rows } = await database.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM latchkey.audit_events WHERE act IN ('password_reset_completed', 'session_started', 'session_ended') AND outcome = 'success'",
  );
  return { n: rows[0]!.n, wrong };
}
