import { Injectable, Logger, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock, describeError } from '../common';

const READ_EVERY_MS = 60_000;
/** A reading is off by half its own time at most; one that took longer says too little. */
const SLOWEST_READING_MS = 1_000;

/**
 * The clock of the database, which all machines share: one whose own clock is wrong, or is set, gives no link another
 * lifetime than the others do. Read once a minute; in between, the time that has passed here is added.
 */
@Injectable()
export class DatabaseClock extends Clock implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Clock');
  /** What `performance.now()`, which nobody can set, is to be added to. */
  private origin = performance.timeOrigin;
  private timer?: NodeJS.Timeout;

  constructor(private readonly database: DataSource) {
    super();
  }

  now(): Date {
    return new Date(this.origin + performance.now());
  }

  async onModuleInit(): Promise<void> {
    await this.read();
    this.timer = setInterval(() => void this.readAgain(), READ_EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async readAgain(): Promise<void> {
    await this.read().catch((error) => this.logger.warn(`goes on by itself: ${describeError(error)}`));
  }

  private async read(): Promise<void> {
    const before = performance.now();
    const [{ now }] = await this.database.query<[{ now: string }]>(
      'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now',
    );
    const took = performance.now() - before;
    if (took <= SLOWEST_READING_MS) this.origin = Number(now) - before - took / 2;
  }
}
