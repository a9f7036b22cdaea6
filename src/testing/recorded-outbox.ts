import { Injectable } from '@nestjs/common';
import { Mail, Mailer } from '../mail';

/** Keeps mails instead of sending them, for tests that need no SMTP. */
@Injectable()
export class RecordedOutbox extends Mailer {
  readonly mails: Mail[] = [];

  send<Values extends object>(mail: Mail<Values>): Promise<void> {
    this.mails.push(mail);
    return Promise.resolve();
  }

  /** @returns the mails to an address, oldest first */
  to(address: string): Mail[] {
    return this.mails.filter(({ to }) => to === address);
  }

  /**
   * @returns the link in the latest reset mail to an address
   * @throws Error when there is none
   */
  lastResetLink(address: string): string {
    const links = this.to(address).flatMap(({ values }) => ('link' in values ? [String(values.link)] : []));
    const latest = links.at(-1);
    if (!latest) throw new Error(`No reset link was mailed to ${address}.`);
    return latest;
  }
}
