import { Clock, secondsAfter } from '../common';
import type { Reservation } from '../limits';

/** A mail that is counted. */
export interface CountedMail {
  /** Until then its window is open for sure. */
  windowEndsAt: Date;
}

/**
 * Mails that this process has reserved of one limit, so that not every mail costs a count. A block is good for its window
 * only. What a process that dies holds is lost until the window ends; never does the window have more mails than its limit.
 */
export class ReservedMails {
  private left = 0;
  private windowEndsAt = new Date(0);
  private reserving?: Promise<Reservation>;

  /** @param reserve counts a block */
  constructor(
    private readonly reserve: () => Promise<Reservation>,
    private readonly clock: Clock,
  ) {}

  /** Takes a mail. @returns it, or the refusal. @throws LimiterUnavailableError */
  async take(): Promise<CountedMail | { refusal: Reservation }> {
    while (!this.isOpen || this.left === 0) {
      const isFirst = !this.reserving;
      this.reserving ??= this.renew().finally(() => (this.reserving = undefined));
      const reservation = await this.reserving;
      if (reservation.granted === 0) return { refusal: reservation };
      // Its own, even where the window ends in this very moment.
      if (isFirst) break;
    }
    this.left -= 1;
    return { windowEndsAt: this.windowEndsAt };
  }

  /** Takes back a mail that has not left. */
  giveBack({ windowEndsAt }: CountedMail): void {
    if (this.clock.now() < windowEndsAt) this.left += 1;
  }

  /** Empties the block. @returns how many mails of a window that is open were left */
  drain(): number {
    const unused = this.isOpen ? this.left : 0;
    this.left = 0;
    return unused;
  }

  private get isOpen(): boolean {
    return this.clock.now() < this.windowEndsAt;
  }

  private async renew(): Promise<Reservation> {
    const before = this.clock.now();
    const reservation = await this.reserve();
    // Others may have given mails of this window back meanwhile.
    this.left = (this.isOpen ? this.left : 0) + reservation.granted;
    // It is rounded up, and was true at some moment after "before".
    this.windowEndsAt = secondsAfter(before, reservation.retryAfterSeconds - 1);
    return reservation;
  }
}
