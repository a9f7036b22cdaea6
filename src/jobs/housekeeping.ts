import { Injectable, Logger, OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { describeError } from '../common';
import { JobsOptions } from './jobs.options';

/** Deletes rows that nobody needs any more. @returns how many */
export type HousekeepingTask = () => Promise<number>;

const FIRST_AFTER_MS = 60_000;
const THEN_EVERY_MS = 3_600_000;

/**
 * Deletes old rows a minute after the start and then once an hour, in every process that handles jobs. Each task is a plain
 * delete, so several processes can run it at the same time.
 */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Housekeeping');
  private readonly tasks = new Map<string, HousekeepingTask>();
  private timer?: NodeJS.Timeout;
  private underWay: Promise<void> = Promise.resolve();

  constructor(private readonly options: JobsOptions) {}

  /** Adds a task. @param name what it deletes, for the log */
  register(name: string, task: HousekeepingTask): void {
    this.tasks.set(name, task);
  }

  onApplicationBootstrap(): void {
    if (!this.options.work) return;
    this.schedule(FIRST_AFTER_MS);
  }

  async onModuleDestroy(): Promise<void> {
    clearTimeout(this.timer);
    await this.underWay;
  }

  /** Runs every task now; one that fails is logged and does not stop the others. */
  async run(): Promise<void> {
    for (const [name, task] of this.tasks) {
      try {
        const removed = await task();
        if (removed > 0) this.logger.log(`removed ${removed} ${name}`);
      } catch (error) {
        this.logger.warn(`cannot remove ${name}: ${describeError(error)}`);
      }
    }
  }

  private schedule(afterMs: number): void {
    const run = () => {
      this.underWay = this.run();
      this.schedule(THEN_EVERY_MS);
    };
    this.timer = setTimeout(run, afterMs).unref();
  }
}
