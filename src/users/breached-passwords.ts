import { Injectable, Logger } from '@nestjs/common';
import { UsersOptions } from './users.options';

/** Somebody waits, and the check is optional. */
const TIMEOUT_MS = 1000;

/**
 * Looks a password up in "Have I Been Pwned", if the options say so. Only the first 5 of the 40 digits of its SHA-1 hash leave
 * this process; the answer holds hundreds of hashes that begin with them, padded so that its length reveals nothing.
 */
@Injectable()
export class BreachedPasswords {
  private readonly logger = new Logger('Passwords');
  private answering = true;

  constructor(private readonly options: UsersOptions) {}

  /** @returns `false` also if the service does not answer within a second: its outage must not block new passwords */
  async include(password: string): Promise<boolean> {
    if (!this.options.passwordBreachCheck) return false;
    try {
      const times = await this.lookUp(password);
      this.recordAnswer(true);
      return times > 0;
    } catch {
      this.recordAnswer(false);
      return false;
    }
  }

  private async lookUp(password: string): Promise<number> {
    const { pwnedPassword } = await import('hibp');
    return pwnedPassword(password.normalize('NFC'), {
      addPadding: true,
      baseUrl: this.options.passwordBreachUrl,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** Logs the beginning and the end of an outage, once each. */
  private recordAnswer(answering: boolean): void {
    if (answering === this.answering) return;
    this.answering = answering;
    if (answering) this.logger.log('The breach check answers again.');
    else this.logger.warn('The breach check does not answer; new passwords are accepted without it.');
  }
}
