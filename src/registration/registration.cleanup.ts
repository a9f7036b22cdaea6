import { Injectable } from '@nestjs/common';
import { Clock, secondsAfter } from '../common';
import { Housekeeping } from '../jobs';
import { UsersService } from '../users';
import { RegistrationOptions } from './registration.options';
import { RegistrationStore } from './registration-store';

const SECONDS_PER_DAY = 86_400;

/** Removes old attempts, and accounts that nobody has confirmed: their addresses are free again. */
@Injectable()
export class RegistrationCleanup {
  constructor(
    housekeeping: Housekeeping,
    registrations: RegistrationStore,
    users: UsersService,
    private readonly clock: Clock,
    private readonly options: RegistrationOptions,
  ) {
    housekeeping.register('registrations', () => registrations.deleteExpired(this.bound()));
    housekeeping.register('unverified accounts', () => users.deleteUnverified(this.bound()));
  }

  private bound(): Date {
    return secondsAfter(this.clock.now(), -this.options.unverifiedDays * SECONDS_PER_DAY);
  }
}
