/** Where links lead, how long they live, and how many mails one account gets. */
export class PasswordResetOptions {
  /** Template of the link in the mail, with `{token}` in it; never made from a request (CVE-2012-4520). */
  resetUrl!: string;
  /** Where a new link can be asked for; told in the notice after a change. */
  requestUrl!: string;
  /**
   * Template of the link "this was not me", with `{token}` in it: where `POST /api/password-reset/disavow` is offered.
   * Without it, mails have no such link.
   */
  disavowUrl?: string;
  /** Seconds a link lives, from the moment the mail server takes the mail over. */
  tokenTtlSeconds = 600;
  /** Seconds in which a second ask for the same address sends nothing; 0 for none. */
  cooldownSeconds = 60;
  /** Mails that one account gets in an hour, silently; 0 for any number. */
  mailsPerHour = 5;
  /** Seconds that the link "this was not me" lives, from when its mail is sent. */
  disavowTtlSeconds = 604_800;
  /** Seconds in which an account gets no reset mails after "this was not me"; 0 for none. */
  quietPeriodSeconds = 3600;
}
