import { TransactionHost } from '@nestjs-cls/transactional';
import type { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Injectable } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from 'typeorm';
import { Transactions } from '../common';

/**
 * Transactions of a TypeORM data source. The transaction under way travels in an AsyncLocalStorage, so ports stay free
 * of ORM words.
 */
@Injectable()
export class TypeOrmTransactions extends Transactions {
  private readonly onCommit = new AsyncLocalStorage<(() => void)[]>();

  constructor(private readonly host: TransactionHost<TransactionalAdapterTypeOrm>) {
    super();
  }

  get underWay(): boolean {
    return this.host.isTransactionActive();
  }

  /** The transaction under way, or plain auto-commit where there is none. */
  get manager(): EntityManager {
    return this.host.tx;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.underWay) return this.host.withTransaction(work);
    const actions: (() => void)[] = [];
    const result = await this.onCommit.run(actions, () => this.host.withTransaction(work));
    for (const action of actions) action();
    return result;
  }

  /** Does something once the transaction under way has been committed; at once where there is none of ours. */
  afterCommit(action: () => void): void {
    const actions = this.underWay ? this.onCommit.getStore() : undefined;
    if (actions) actions.push(action);
    else action();
  }
}
