import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The only way for a server without the right to DELETE to remove audit events: old ones, never those of the last 24 hours by
 * the database's own clock (ASVS 16.4.2). An attacker who has taken over the server cannot remove the record of it.
 */
export class ProtectAuditEvents1764360000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // STRICT, as LEAST passes over a null and LIMIT takes it for "all". PL/pgSQL, as it plans for the values it gets.
    // The search path keeps objects of the caller out, as in CVE-2007-2138; hours, as a day depends on the caller's time zone.
    await queryRunner.query(`
      CREATE FUNCTION latchkey.delete_audit_events(before timestamptz, max_rows integer) RETURNS integer
      LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
      AS $$
      DECLARE
        removed integer;
      BEGIN
        DELETE FROM latchkey.audit_events WHERE id IN (
          SELECT id FROM latchkey.audit_events
          WHERE at < LEAST(before, now() - interval '24 hours') ORDER BY at LIMIT max_rows
        );
        GET DIAGNOSTICS removed = ROW_COUNT;
        RETURN removed;
      END
      $$`);
    await queryRunner.query(
      'REVOKE ALL ON FUNCTION latchkey.delete_audit_events(timestamptz, integer) FROM PUBLIC',
    );
    // Servers that were granted DELETE before go on removing old events.
    await queryRunner.query(`
      DO $$
      DECLARE
        server regrole;
      BEGIN
        FOR server IN
          SELECT grantee FROM pg_class, aclexplode(relacl)
          WHERE pg_class.oid = 'latchkey.audit_events'::regclass AND privilege_type = 'DELETE' AND grantee <> 0
        LOOP
          EXECUTE format('GRANT EXECUTE ON FUNCTION latchkey.delete_audit_events(timestamptz, integer) TO %s', server);
        END LOOP;
      END
      $$`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION latchkey.delete_audit_events(timestamptz, integer)');
  }
}
