import { IsLinkTemplate, IsPageUrl, IsWholeNumber } from '../common';

/** Where links lead, how long they live, and when an attempt is forgotten. */
export class RegistrationOptions {
  /** Template of the link in the mail, with `{token}` in it; never made from a request (CVE-2012-4520). */
  @IsLinkTemplate()
  verifyUrl!: string;
  /** The page that requests a password reset, for the notice to people who have an account already. */
  @IsPageUrl()
  requestUrl!: string;
  /** Seconds a link lives, from when its mail is sent; the mail says whole hours. */
  @IsWholeNumber(60, 2_592_000)
  tokenTtlSeconds = 86_400;
  /** Days after which attempts are removed, and accounts whose address nobody has confirmed; the address is free again then. */
  @IsWholeNumber(1, 3650)
  unverifiedDays = 7;
}
