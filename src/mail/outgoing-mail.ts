import { Injectable } from '@nestjs/common';
import { Mail, Mailer } from './mailer';

/** The one door through which every mail leaves, whoever sends it and whatever {@link Mailer} is behind it. */
@Injectable()
export class OutgoingMail {
  constructor(private readonly mailer: Mailer) {}

  /** As {@link Mailer.send}. */
  async send<Values extends object>(mail: Mail<Values>): Promise<void> {
    await this.mailer.send(mail);
  }
}
