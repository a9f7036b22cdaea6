import type { EntityManager } from 'typeorm';

const ROWS_PER_BATCH = 1000;

/**
 * Repeats a delete of a limited number of rows until nothing is left to delete, so that no statement comes near its timeout.
 * @param deleteSome deletes at most so many rows. @returns how many
 * @returns how many rows there were
 */
export async function inBatches(deleteSome: (limit: number) => Promise<number>): Promise<number> {
  for (let deleted = 0; ;) {
    const rows = await deleteSome(ROWS_PER_BATCH);
    deleted += rows;
    if (rows < ROWS_PER_BATCH) return deleted;
  }
}

/**
 * Deletes old rows, {@link inBatches}.
 * @param table with its schema
 * @param condition SQL; checked again when a row is deleted, as the row may have changed meanwhile
 * @returns how many rows there were
 */
export function deleteInBatches(
  manager: EntityManager,
  table: string,
  condition: string,
  values: unknown[],
): Promise<number> {
  return inBatches(async (limit) => {
    const text = `DELETE FROM ${table} WHERE ${condition}
      AND ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${limit}))`;
    const [, affected] = await manager.query<[unknown[], number]>(text, values);
    return affected;
  });
}
