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
/** Events a statement; more would keep other work of this process waiting. */
const BATCH = 500;
/** Events that wait while the database is away; about 5 MB. */
const CAPACITY = 10_000;
const SECONDS_A_DAY = 86_400;

/**
 * Brings every security event to the {@link AuditTrail}. Inside a transaction at once, so that an act and its record
 * stand or fall together. Outside of one together with others a moment later, so that no request waits for its record;
 * what a process that is killed had not written by then is in its log only.
 */
@Injectable()
export class AuditRecorder implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
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
    this.events.onEvent(async (event) => {
      const kept = { id: randomUUID(), ...event };
      if (this.transactions.underWay) return this.trail.append([kept]);
      this.keepForLater(kept);
      if (this.closing) await this.flush();
    });
    this.housekeeping.register('old audit events', () => this.removeOld());
  }

  /**
   * After the jobs have ended, which have events too. Requests may still be under way; in the phase after them the
   * database is closed, so that what they record from now on cannot wait.
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

  /** Writes what waits. Never throws: what cannot be written waits for the next try. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.writeAll());
    return this.writing;
  }

  private keepForLater(event: AuditEvent): void {
    this.waiting.push(event);
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
        return this.putOff(error);
      }
      this.tellOfRecovery();
    }
  }

  private putOff(error: unknown): void {
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

  private tellOfRecovery(): void {
    if (this.failing) this.logger.log('events are written again');
    if (this.lost > 0) this.logger.error(`${this.lost} events were dropped and are in the log only`);
    this.failing = false;
    this.lost = 0;
  }

  private async removeOld(): Promise<number> {
    const moment = secondsAfter(this.clock.now(), -this.options.retentionDays * SECONDS_A_DAY);
    let [removed, batch] = [0, 0];
    do {
      batch = await this.trail.deleteBefore(moment, CAPACITY);
      removed += batch;
    } while (batch === CAPACITY);
    return removed;
  }
}
