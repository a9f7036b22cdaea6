import { Clock, secondsAfter } from '../common';

/** A clock that a test moves: lifetimes, cool-downs and caps pass without waiting. */
export class MovableClock extends Clock {
  private offsetSeconds = 0;
  private frozenAt: Date | undefined;

  now(): Date {
    return secondsAfter(this.frozenAt ?? new Date(), this.offsetSeconds);
  }

  /** Moves time forward, or back with a negative number; also while it stands still. */
  advance(seconds: number): void {
    this.offsetSeconds += seconds;
  }

  /**
   * Lets time stand still, so that a test can be at the very end of a lifetime, however long it takes to get there.
   * @param at the moment to stand at; default: now
   */
  freeze(at = this.now()): void {
    this.frozenAt = at;
    this.offsetSeconds = 0;
  }
}
