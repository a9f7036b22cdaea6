import { BOUNDS, IsLinkTemplate, IsPageUrl, IsWholeNumber } from '../common';

/** Where the links of a change of address lead, how long they live, and how many changes a person can begin. */
export class AccountOptions {
  /** Template of the link that the new address gets, with `{token}` in it; never made from a request (CVE-2012-4520). */
  @IsLinkTemplate()
  confirmUrl!: string;
  /** Template of the link that the old address gets to stop the change, with `{token}` in it. */
  @IsLinkTemplate()
  cancelUrl!: string;
  /** The page that requests a password reset, for notices. */
  @IsPageUrl()
  requestUrl!: string;
  /** Seconds in which the new address can confirm, from when its mail is sent; the mail says whole hours. */
  @IsWholeNumber(60, 2_592_000)
  confirmTtlSeconds = 86_400;
  /**
   * Seconds in which the old address can stop a change, from when its mail is sent; the mail says whole days. Never less
   * than {@link holdSeconds}: the link is good for as long as the change waits.
   */
  @IsWholeNumber(60, 2_592_000)
  cancelTtlSeconds = 604_800;
  /**
   * Seconds after a password reset in which no change of address takes effect, however early it is confirmed: a moment
   * with somebody's mailbox must not be enough to take the account for good. For as long after a change, the former address
   * can undo it by a reset. 0 for neither.
   */
  @IsWholeNumber(...BOUNDS.emailChangeHold)
  holdSeconds = 86_400;
  /** Changes of address of one account in an hour without a wait; after them see {@link changeSpacingSeconds}. 0 for any number. */
  @IsWholeNumber(...BOUNDS.mailsPerAddress)
  changesPerHour = 5;
  /** Seconds between two changes of address of an account that has used up its hour; others are silently ignored. */
  @IsWholeNumber(0, 86_400)
  changeSpacingSeconds = 600;
}
