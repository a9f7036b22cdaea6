import { Clock, secondsAfter } from '../common';

/** A clock that a test moves: lifetimes, cool-downs and caps pass without waiting. */
export class MovableClock extends Clock {
  private offsetSeconds = 0;

  now(): Date {
    return secondsAfter(new Date(), this.offsetSeconds);
  }

  /** Moves time forward, or back with a negative number. */
  advance(seconds: number): void {
    this.offsetSeconds += seconds;
  }
}
