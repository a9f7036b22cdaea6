/** Where the links of a change of address lead, how long they live, and how many mails a person can cause. */
export class AccountOptions {
  /** Template of the link that the new address gets, with `{token}` in it; never made from a request (CVE-2012-4520). */
  confirmUrl!: string;
  /** Template of the link that the old address gets to stop the change, with `{token}` in it. */
  cancelUrl!: string;
  /** Where a link for a new password can be asked for; told in notices. */
  requestUrl!: string;
  /** Seconds in which the new address can confirm, from the moment its mail is sent; the mail tells whole hours. */
  confirmTtlSeconds = 86_400;
  /** Seconds in which the old address can stop a change, from the moment its mail is sent; the mail tells whole days. */
  cancelTtlSeconds = 604_800;
  /** Changes of address that one account can ask for in an hour, the rest silently passed over; 0 for any number. */
  changesPerHour = 5;
  /** Mails that a new address gets in an hour, whoever asks for it, silently; 0 for any number. */
  mailsPerHour = 5;
}
