import type { TypeOrmTransactions } from '../database';

/** @returns the rows that a statement reads or returns */
export type RunSql = <Row>(text: string, values: unknown[]) => Promise<Row[]>;

/**
 * Runs statements on jobs in the transaction under way, if there is one. Not prepared: a plan that was made while few jobs
 * waited reads the whole table, and would still do so when many wait.
 */
export function sqlOf(transactions: Pick<TypeOrmTransactions, 'manager'>): RunSql {
  return async <Row>(text: string, values: unknown[]) => {
    const { manager } = transactions;
    const runner = manager.queryRunner ?? manager.dataSource.createQueryRunner();
    try {
      const { records = [] } = await runner.query(text, values, true);
      return records as Row[];
    } finally {
      if (runner !== manager.queryRunner) await runner.release();
    }
  };
}
