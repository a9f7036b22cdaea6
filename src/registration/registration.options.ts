/** Where links lead, how long they live, how many mails one address gets, and when an attempt is forgotten. */
export class RegistrationOptions {
  /** Template of the link in the mail, with `{token}` in it; never made from a request (CVE-2012-4520). */
  verifyUrl!: string;
  /** Where a link to set a new password can be asked for; told to people who have an account already. */
  requestUrl!: string;
  /** Seconds a link lives, from the moment its mail is sent; the mail tells whole hours. */
  tokenTtlSeconds = 86_400;
  /** Seconds in which a second attempt for the same address sends nothing; 0 for none. */
  cooldownSeconds = 60;
  /** Mails that one address gets in an hour, silently; 0 for any number. */
  mailsPerHour = 5;
  /** Days after which attempts are removed, and accounts whose address nobody has proven; then it is free again. */
  unverifiedDays = 7;
}
