import type { EntityManager } from 'typeorm';

const ROWS_AT_ONCE = 1000;

/**
 * Deletes old rows, so many at once that no statement comes near its timeout however much there is.
 * @param table with its schema
 * @param condition SQL; it is looked at again when a row is deleted, as it may have changed meanwhile
 * @returns how many rows there were
 */
export async function deleteInBatches(
  manager: EntityManager,
  table: string,
  condition: string,
  values: unknown[],
): Promise<number> {
  const text = `DELETE FROM ${table} WHERE ${condition}
    AND ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${ROWS_AT_ONCE}))`;
  for (let removed = 0; ;) {
    const [, affected] = await manager.query<[unknown[], number]>(text, values);
    removed += affected;
    if (affected < ROWS_AT_ONCE) return removed;
  }
}
