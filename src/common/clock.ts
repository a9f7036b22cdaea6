import { Injectable } from '@nestjs/common';

/**
 * The one source of time. Every lifetime in this project is decided by it, so that a test can move it and an
 * operator has one clock to trust.
 */
export abstract class Clock {
  abstract now(): Date;
}

/** The machine's own clock. */
@Injectable()
export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}

/** @returns the moment `seconds` after `from`. */
export function secondsAfter(from: Date, seconds: number): Date {
  return new Date(from.getTime() + seconds * 1000);
}
