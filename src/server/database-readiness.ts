import { Injectable } from '@nestjs/common';
import { HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { setTimeout as delay } from 'node:timers/promises';
import { TypeOrmTransactions } from '../database';

const TIMEOUT_MS = 1000;

/**
 * Fails like a write, without one, where the server is a standby or the session read-only. An error (25006), rather than a row
 * that says so, makes the pool discard the connection: the next one may lead to the new primary.
 */
const WRITABLE = `DO $$ BEGIN
  IF current_setting('transaction_read_only')::boolean THEN
    RAISE SQLSTATE '25006' USING MESSAGE = 'the database is read-only';
  END IF;
END $$`;

/** Whether the database answers in time and is writable. */
@Injectable()
export class DatabaseReadiness {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly transactions: TypeOrmTransactions,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('database');
    const stop = new AbortController();
    const late = delay(TIMEOUT_MS, 'late', { signal: stop.signal }).catch(() => 'late');
    const answer = await Promise.race([this.tryWriting(), late]);
    stop.abort();
    return answer === 'writable' ? indicator.up() : indicator.down(answer);
  }

  private tryWriting(): Promise<string> {
    return this.transactions.manager.query(WRITABLE).then(
      () => 'writable',
      () => 'cannot be written',
    );
  }
}
