import { TransactionHost } from '@nestjs-cls/transactional';
import type { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactions } from '../common';

/**
 * Transactions of a TypeORM data source. The transaction under way travels in an AsyncLocalStorage, so ports stay free
 * of ORM words.
 */
@Injectable()
export class TypeOrmTransactions extends Transactions {
  constructor(private readonly host: TransactionHost<TransactionalAdapterTypeOrm>) {
    super();
  }

  /** The transaction under way, or plain auto-commit where there is none. */
  get manager(): EntityManager {
    return this.host.tx;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.host.withTransaction(work);
  }
}
