import { Injectable } from '@nestjs/common';
import { Clock, secondsAfter } from '../common';
import { Housekeeping } from '../jobs';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordResetStore } from './password-reset-store';
import { QuietPeriodStore } from './quiet-period-store';

/** A notice may wait in the queue for days (see `mailQueue`), and its link "this was not me" lives from when it is sent. */
const LONGEST_WAIT_OF_A_NOTICE_SECONDS = 4 * 86_400;

/** Removes resets and quiet periods when no link is left that could name them. */
@Injectable()
export class PasswordResetCleanup {
  constructor(
    housekeeping: Housekeeping,
    resets: PasswordResetStore,
    quietPeriods: QuietPeriodStore,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
  ) {
    housekeeping.register('password resets', () => resets.deleteExpired(this.bound()));
    housekeeping.register('quiet periods', () => quietPeriods.deleteExpired(this.bound()));
  }

  private bound(): Date {
    const { disavowTtlSeconds } = this.options;
    return secondsAfter(this.clock.now(), -disavowTtlSeconds - LONGEST_WAIT_OF_A_NOTICE_SECONDS);
  }
}
