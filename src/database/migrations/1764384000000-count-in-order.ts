import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The counters of any number of requests, in one statement. */
export class CountInOrder1764384000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Counters come one request after the other; what a counter refuses is not counted by the later ones of its request.
    // First, all of them are made or locked in the order of their keys, so that two calls never wait for each other in a
    // circle: DO UPDATE locks a row even where its condition is false. PL/pgSQL, as its second statement sees what was
    // committed while the first one waited, and as it keeps its plans for the session. Those made while the table is small would
    // read it as a whole, also when a flood has made it large a moment later: enable_seqscan.
    await queryRunner.query(`
      CREATE FUNCTION latchkey.count_in_order(
        requests integer[], keys text[], limits bigint[], windows_ms bigint[], now_ms bigint
      ) RETURNS TABLE (request integer, events integer, ends_at bigint)
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
      AS $$
      DECLARE
        refused integer;
      BEGIN
        INSERT INTO latchkey.limit_counters AS counter (key, points, expire)
          SELECT DISTINCT ON (new.key COLLATE "C") new.key, 0, now_ms + new.window_ms
          FROM unnest(keys, windows_ms) AS new (key, window_ms) ORDER BY new.key COLLATE "C"
          ON CONFLICT (key) DO UPDATE SET points = counter.points WHERE false;
        FOR i IN 1 .. cardinality(keys) LOOP
          request := requests[i];
          CONTINUE WHEN request = refused;
          UPDATE latchkey.limit_counters AS counter SET
              points = CASE WHEN counter.expire <= now_ms THEN 1 ELSE counter.points + 1 END,
              expire = CASE WHEN counter.expire <= now_ms THEN now_ms + windows_ms[i] ELSE counter.expire END
            WHERE counter.key = keys[i]
            RETURNING counter.points, counter.expire INTO events, ends_at;
          RETURN NEXT;
          IF events > limits[i] THEN refused := request; END IF;
        END LOOP;
      END
      $$`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'DROP FUNCTION latchkey.count_in_order(integer[], text[], bigint[], bigint[], bigint)',
    );
  }
}
