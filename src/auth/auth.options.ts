/** How long people stay signed in, how often at a time, and how often somebody may be wrong. */
export class AuthOptions {
  /** Seconds from sign-in to the end of a session, used or not. */
  sessionTtlSeconds = 43_200;
  /** Seconds from the last use of a session to its end. */
  sessionIdleTtlSeconds = 7200;
  /** Sessions that one account has at a time: the sign-in after these ends the oldest. */
  maxSessions = 50;
  /**
   * Wrong passwords for one account from one source, in 15 minutes; 0 for any number. After them every password is wrong,
   * and nobody is told. A new password begins anew.
   */
  failuresPerAccountAndSource = 10;
  /** The same for one account, whatever the sources, in 24 hours. NIST SP 800-63B-4, section 3.2.2: at most 100. */
  failuresPerAccount = 100;
  /** Failed sign-ins of one source to whatever accounts, in an hour; beyond, it is told to wait. 0 for any number. */
  failuresPerSource = 100;
  /**
   * Wrong passwords for one account, as they are counted for the limits above, after which its owner is told of the next
   * sign-in by mail; 0 for never.
   */
  noticeAfterFailures = 10;
  /** Where a link for a new password can be asked for; told in that mail. Without it there is none. */
  requestUrl?: string;
}
