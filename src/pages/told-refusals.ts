import { Injectable, Optional } from '@nestjs/common';
import { Clock, secondsAfter } from '../common';
import { LimitsOptions, sourceKey } from '../limits';

const WINDOW_SECONDS = 60;

/**
 * How many refused forms of one source are told of in a minute, by this process: a flood of them must not fill the audit
 * trail. They are refused before anything is counted that instances share.
 */
@Injectable()
export class ToldRefusals {
  /** In the order in which they end. */
  private readonly windows = new Map<string, { told: number; endsAt: Date }>();

  constructor(
    private readonly clock: Clock,
    @Optional() private readonly options: LimitsOptions = new LimitsOptions(),
  ) {}

  /** Counts one. @returns whether it is to be told */
  add(ip: string): boolean {
    const { perMinute } = this.options;
    if (perMinute === 0) return true;
    const now = this.clock.now();
    this.forgetBefore(now);
    const key = sourceKey(ip);
    const window = this.windows.get(key) ?? { told: 0, endsAt: secondsAfter(now, WINDOW_SECONDS) };
    this.windows.set(key, window);
    if (window.told >= perMinute) return false;
    window.told += 1;
    return true;
  }

  private forgetBefore(now: Date): void {
    for (const [key, { endsAt }] of this.windows) {
      if (endsAt > now) return;
      this.windows.delete(key);
    }
  }
}
