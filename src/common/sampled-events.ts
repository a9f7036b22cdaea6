import { Injectable, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Clock, secondsAfter } from './clock';
import { withRequestId } from './request-id';
import { SecurityEvent, SecurityEvents } from './security-events';

const WINDOW_SECONDS = 60;
/** Of one act and one source, in each window. */
const RECORDED = 20;
/** Beyond so many at a time, all other sources share one window for each act: addresses are cheap. */
const WINDOWS = 100;

interface Window {
  endsAt: Date;
  events: number;
  /** What its events have in common. */
  about: Pick<SecurityEvent, 'act' | 'outcome' | 'source'>;
}

/**
 * Records events that anybody can cause at will: the first of each act and source in a minute one by one, and how many
 * there were beyond them in one event at the end. A flood of them must not fill the audit trail. Each process counts for
 * itself, so that counting costs nothing.
 */
@Injectable()
export class SampledEvents implements OnModuleInit, OnModuleDestroy {
  /** In the order in which they end. */
  private readonly windows = new Map<string, Window>();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly events: SecurityEvents,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.summarize(), WINDOW_SECONDS * 1000).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.summarize(secondsAfter(this.clock.now(), WINDOW_SECONDS));
  }

  /** @returns whether it was among the first, and so was recorded by itself */
  async record(event: SecurityEvent): Promise<boolean> {
    await this.summarize();
    const window = this.windowOf(event);
    window.events += 1;
    if (window.events > RECORDED) return false;
    await this.events.record(event);
    return true;
  }

  /** Ends the windows whose time is over, and records what they have counted. */
  async summarize(now = this.clock.now()): Promise<void> {
    for (const [key, { endsAt, events, about }] of this.windows) {
      if (endsAt > now) return;
      this.windows.delete(key);
      if (events > RECORDED) await this.recordMore(about, events - RECORDED);
    }
  }

  /** Not as a part of the request that happens to be under way. */
  private recordMore(about: Window['about'], more: number): Promise<void> {
    return withRequestId(randomUUID(), () => this.events.record({ ...about, details: { more } }));
  }

  private windowOf({ act, outcome, source }: SecurityEvent): Window {
    const ofSource = `${act} ${source?.ip}`;
    const isShared = !this.windows.has(ofSource) && this.windows.size >= WINDOWS;
    const key = isShared ? act : ofSource;
    const known = this.windows.get(key);
    if (known) return known;
    const about = isShared ? { act, outcome } : { act, outcome, source };
    const window = { endsAt: secondsAfter(this.clock.now(), WINDOW_SECONDS), events: 0, about };
    this.windows.set(key, window);
    return window;
  }
}
