import {
  BeforeApplicationShutdown,
  Injectable,
  Logger,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Clock, describeError, secondsAfter, SecurityEvents, Transactions } from '../common';
import { Housekeeping } from '../jobs';
import { AuditEvent, AuditTrail } from './audit-trail';
import { AuditOptions } from './audit.options';

const WRITE_AFTER_MS = 200;
const RETRY_AFTER_MS = 1000;
/** Events per statement; more would block other work of this process. */
const BATCH = 500;
/** Events that wait while the database is away; about 5 MB. */
const CAPACITY = 10_000;
const SECONDS_PER_DAY = 86_400;

/**
 * Writes every security event to the {@link AuditTrail}. Events of a transaction are written together at its end, in it, so
 * that an act and its record commit or roll back together. Outside of one, events are written in batches a moment later, so that no
 * request waits for its record; if the process is killed before that, they are in its log only.
 */
@Injectable()
export class AuditRecorder implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly append = (events: readonly AuditEvent[]) => this.trail.append(events);
  private waiting: AuditEvent[] = [];
  private lost = 0;
  private failing = false;
  private closing = false;
  private timer?: NodeJS.Timeout;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly trail: AuditTrail,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly housekeeping: Housekeeping,
    private readonly clock: Clock,
    private readonly options: AuditOptions,
  ) {}

  onModuleInit(): void {
    this.events.onEvents(async (events) => {
      const kept = events.map((event) => ({ id: randomUUID(), ...event }));
      if (this.transactions.underWay) return this.transactions.collect(kept, this.append);
      this.defer(kept);
      if (this.closing) await this.flush();
    });
    this.housekeeping.register('old audit events', () => this.deleteExpired());
  }

  /**
   * After the jobs have ended, since they have events too. Requests may still run; in the next phase the database is closed,
   * so what they record from now on cannot wait.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    await this.flush();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
    const unwritten = this.waiting.length + this.lost;
    if (unwritten > 0) this.logger.error(`${unwritten} events could not be written and are in the log only`);
  }

  /** Writes all waiting events. Never throws: what cannot be written waits for the next try. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.writeAll());
    return this.writing;
  }

  private defer(events: readonly AuditEvent[]): void {
    this.waiting.push(...events);
    this.dropExcess();
    this.timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref();
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      try {
        await this.trail.append(batch);
      } catch (error) {
        this.waiting.unshift(...batch);
        return this.retryLater(error);
      }
      this.logRecovery();
    }
  }

  private retryLater(error: unknown): void {
    this.dropExcess();
    if (!this.failing) this.logger.warn(`events cannot be written and wait: ${describeError(error)}`);
    this.failing = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), RETRY_AFTER_MS).unref();
  }

  private dropExcess(): void {
    const excess = this.waiting.length - CAPACITY;
    if (excess <= 0) return;
    if (this.lost === 0) this.logger.error(`more than ${CAPACITY} events wait: the oldest are dropped`);
    this.waiting.splice(0, excess);
    this.lost += excess;
  }

  private logRecovery(): void {
    if (this.failing) this.logger.log('events are written again');
    if (this.lost > 0) this.logger.error(`${this.lost} events were dropped and are in the log only`);
    this.failing = false;
    this.lost = 0;
  }

  private deleteExpired(): Promise<number> {
    const { retentionDays } = this.options;
    return this.trail.deleteExpired(secondsAfter(this.clock.now(), -retentionDays * SECONDS_PER_DAY));
  }
}
