import { TransactionHost } from '@nestjs-cls/transactional';
import type { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Injectable } from '@nestjs/common';
import type { QueryResult, QueryResultRow } from 'pg';
import type { EntityManager } from 'typeorm';
import { AsyncVariable, Transactions } from '../common';
import { PreparedStatements } from './prepared-statements';

/** What is left to do at the end of a transaction. */
interface Ending {
  /** What is written together just before the commit. */
  collected: Map<(items: readonly never[]) => Promise<void>, unknown[]>;
  afterCommit: (() => void)[];
}

/**
 * Transactions of a TypeORM data source. The transaction under way travels with the asynchronous work, so ports stay free
 * of ORM words.
 */
@Injectable()
export class TypeOrmTransactions extends Transactions {
  private readonly endings = new AsyncVariable<Ending>();

  constructor(
    private readonly host: TransactionHost<TransactionalAdapterTypeOrm>,
    private readonly statements: PreparedStatements,
  ) {
    super();
  }

  get underWay(): boolean {
    return this.host.isTransactionActive();
  }

  /** The transaction under way, or plain auto-commit where there is none. */
  get manager(): EntityManager {
    return this.host.tx;
  }

  /**
   * Runs a statement of ours where speed counts, past the query builder, and prepared where that is possible; in the
   * transaction under way, if there is one.
   * @param text see {@link PreparedStatements.run}
   * @returns what the driver returns: `rows` and `rowCount`
   * @throws QueryFailedError
   */
  async query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<QueryResult<Row>> {
    const { manager } = this;
    if (manager.queryRunner) return this.statements.run(manager.queryRunner, text, values);
    const runner = manager.dataSource.createQueryRunner();
    try {
      return await this.statements.run(runner, text, values);
    } finally {
      await runner.release();
    }
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.underWay) return this.host.withTransaction(work);
    const ending: Ending = { collected: new Map(), afterCommit: [] };
    const result = await this.endings.run(ending, () =>
      this.host.withTransaction(async () => {
        const result = await work();
        for (const [write, items] of ending.collected) await write(items as never[]);
        return result;
      }),
    );
    for (const action of ending.afterCommit) action();
    return result;
  }

  override async collect<Item>(
    items: readonly Item[],
    write: (items: readonly Item[]) => Promise<void>,
  ): Promise<void> {
    if (!this.ending) return write(items);
    const { collected } = this.ending;
    collected.set(write, [...(collected.get(write) ?? []), ...items]);
  }

  /** Does something once the transaction under way has been committed; at once where there is none of ours. */
  afterCommit(action: () => void): void {
    if (this.ending) this.ending.afterCommit.push(action);
    else action();
  }

  /** Of the transaction under way, where it is one of ours. */
  private get ending(): Ending | undefined {
    return this.underWay ? this.endings.get() : undefined;
  }
}
