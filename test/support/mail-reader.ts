import { setTimeout as delay } from 'node:timers/promises';
import type { Mailbox } from '../../src/mail';

export type CaughtMail = ReturnType<Mailbox['list']>[number];

const PATIENCE_MS = 15_000;

/** Reads what the SMTP catcher has caught. */
export class MailReader {
  constructor(private readonly mailbox: Mailbox) {}

  /** Mails to an address, oldest first. */
  to(address: string): CaughtMail[] {
    return this.mailbox
      .list()
      .filter(({ envelope }) => envelope.to.includes(address))
      .reverse();
  }

  countTo(address: string): number {
    return this.to(address).length;
  }

  /**
   * The first mail to an address after the `seen` ones that are known already.
   *
   * @param part what its text has to contain: a notice of an earlier act may still be under way
   */
  async next(address: string, seen = 0, part = ''): Promise<CaughtMail> {
    const find = () => this.to(address).find(({ text }, index) => index >= seen && text.includes(part));
    await until(() => find() !== undefined, `a mail to ${address}`);
    return find()!;
  }
}

/** Waits until something is so. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}.`);
    await delay(10);
  }
}
