import { IsOptional } from 'class-validator';
import { BOUNDS, IsPageUrl, IsWholeNumber } from '../common';

/** How long sessions last, how many an account has, and how many wrong passwords are allowed. */
export class AuthOptions {
  /** Seconds from sign-in to the end of a session, used or not. */
  @IsWholeNumber(...BOUNDS.sessionTtl)
  sessionTtlSeconds = 43_200;
  /** Seconds from the last use of a session to its end. */
  @IsWholeNumber(...BOUNDS.sessionTtl)
  sessionIdleTtlSeconds = 7200;
  /** Sessions of one account at a time: one more sign-in ends the oldest. */
  @IsWholeNumber(1, 10_000)
  maxSessions = 50;
  /**
   * Wrong passwords for one account from one source in 15 minutes; 0 for no limit. Beyond it every password is wrong,
   * and the answer does not say so. A new password resets the count.
   */
  @IsWholeNumber(...BOUNDS.failures)
  failuresPerAccountAndSource = 10;
  /** The same for one account from all sources, in 24 hours. NIST SP 800-63B-4, section 3.2.2: at most 100. */
  @IsWholeNumber(...BOUNDS.failures)
  failuresPerAccount = 100;
  /** Failed sign-ins of one source to all accounts, in an hour; beyond it the answer is 429. 0 for no limit. */
  @IsWholeNumber(...BOUNDS.failures)
  failuresPerSource = 100;
  /**
   * Wrong passwords that somebody signed in types before a change, per session in 15 minutes, counted separately from
   * sign-ins; 0 for no limit. Beyond it every password is wrong. A new password resets the count.
   */
  @IsWholeNumber(...BOUNDS.failures)
  reauthenticationFailuresPerSession = 10;
  /** The same for one account and all its sessions, in 24 hours. NIST SP 800-63B-4, section 3.2.2: at most 100. */
  @IsWholeNumber(...BOUNDS.failures)
  reauthenticationFailuresPerAccount = 100;
  /**
   * Wrong passwords for one account, as counted for the limits above, after which its owner is notified of the next sign-in
   * by mail; 0 for never.
   */
  @IsWholeNumber(...BOUNDS.failures)
  noticeAfterFailures = 10;
  /** Where a link for a new password can be requested; part of that mail. Without it no such mail is sent. */
  @IsOptional()
  @IsPageUrl()
  requestUrl?: string;
}
