import { Injectable, Logger } from '@nestjs/common';
import { UsersOptions } from './users.options';

/** Somebody waits for the answer, and can do without it. */
const TIMEOUT_MS = 1000;

/**
 * Asks "Have I Been Pwned" whether a password is known from a breach, where the options say so. Of the password's SHA-1
 * hash the first 5 of 40 digits leave this process; the answer holds hundreds of hashes that begin with them, padded so
 * that not even its length tells which were asked for.
 */
@Injectable()
export class BreachedPasswords {
  private readonly logger = new Logger('Passwords');
  private answering = true;

  constructor(private readonly options: UsersOptions) {}

  /** @returns `false` also where nobody answers within a second: an outage elsewhere keeps nobody from a new password */
  async include(password: string): Promise<boolean> {
    if (!this.options.passwordBreachCheck) return false;
    try {
      const times = await this.ask(password);
      this.noteAnswer(true);
      return times > 0;
    } catch {
      this.noteAnswer(false);
      return false;
    }
  }

  private async ask(password: string): Promise<number> {
    const { pwnedPassword } = await import('hibp');
    return pwnedPassword(password.normalize('NFC'), {
      addPadding: true,
      baseUrl: this.options.passwordBreachUrl,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** One line for the beginning of an outage and one for its end, however many passwords are set between. */
  private noteAnswer(answering: boolean): void {
    if (answering === this.answering) return;
    this.answering = answering;
    if (answering) this.logger.log('The breach check answers again.');
    else this.logger.warn('The breach check does not answer; new passwords are taken without it.');
  }
}
