/**
 * A kind of mail: its templates and its subject. `Values` are what the templates show; a mail with a wrong or missing
 * value does not compile.
 */
export interface MailTemplate<Values extends object = object> {
  /** `<name>.pug` is the HTML part, `<name>.text.pug` the text part. */
  name: string;
  /** Key of the subject in the locale files. */
  subject: string;
  /**
   * Set where anybody can cause such a mail by typing an address into a form, also that of somebody else: of the hour's mails these may
   * use up three quarters (see {@link MailBudget}).
   */
  toTypedAddress?: true;
  /** Carries the type of the values; never set. */
  readonly values?: Values;
}

export interface Mail<Values extends object = object> {
  /** Stays the same when one logical mail is sent again, so that the recipient's mail server can drop the copy. */
  id: string;
  /** The stored address of the recipient; exactly one. */
  to: string;
  /** The recipient's language; `null` for the default. */
  locale: string | null;
  template: MailTemplate<Values>;
  values: Values;
}

/**
 * The mail server has refused this recipient for good: sending the mail again is useless. Not for a refusal of us, such as a
 * wrong password, a sender that may not send, or a quota.
 */
export class MailRefusedError extends Error {
  override readonly name = 'MailRefusedError';

  /** @param code the reply of the mail server, for the record of events */
  constructor(
    message?: string,
    readonly code?: string | number,
  ) {
    super(message);
  }
}

/**
 * No mail can leave now, to any recipient: the mail server is away or refuses us. The mail is tried again, and the operator
 * hears of it, see {@link MailRoad}.
 */
export class MailOutageError extends Error {
  override readonly name = 'MailOutageError';

  /** @param code the reply of the mail server, or what broke the connection; never a text */
  constructor(
    message?: string,
    readonly code?: string | number,
  ) {
    super(message);
  }
}

/** Hands mails to a mail server. Handing over is not delivery: what becomes of a mail later is {@link DeliveryFeedback}. Default: {@link SmtpMailer}. */
export abstract class Mailer {
  /**
   * Fulfilled when the mail server has taken the mail over.
   * @throws MailRefusedError when its recipient is refused for good; MailOutageError when no mail can leave; any other error
   * when this one may leave later
   */
  abstract send<Values extends object>(mail: Mail<Values>): Promise<void>;
}
