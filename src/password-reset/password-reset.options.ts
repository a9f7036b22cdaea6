import { IsOptional } from 'class-validator';
import { BOUNDS, IsLinkTemplate, IsPageUrl, IsWholeNumber } from '../common';

/** Where links lead, how long they live, and how many mails one account gets. */
export class PasswordResetOptions {
  /** Template of the link in the mail, with `{token}` in it; never made from a request (CVE-2012-4520). */
  @IsLinkTemplate()
  resetUrl!: string;
  /** The page that requests a new link, for the notice after a change. */
  @IsPageUrl()
  requestUrl!: string;
  /**
   * Template of the link "this was not me", with `{token}` in it: where `POST /api/password-reset/disavow` is offered.
   * Without it, mails have no such link.
   */
  @IsOptional()
  @IsLinkTemplate()
  disavowUrl?: string;
  /** Seconds a link lives, from when its mail is sent, beside a minute of grace. */
  @IsWholeNumber(...BOUNDS.resetTokenTtl)
  tokenTtlSeconds = 600;
  /** Seconds in which a second request for the same address sends nothing while its link is alive; 0 for none. */
  @IsWholeNumber(...BOUNDS.resetCooldown)
  cooldownSeconds = 60;
  /**
   * Mails that an account gets in an hour, a cool-down apart; after them one each link's life, silently. 0 for any number.
   * The count starts again after a reset, any other change of the credentials, and a sign-in.
   */
  @IsWholeNumber(...BOUNDS.mailsPerAddress)
  mailsPerHour = 2;
  /** Seconds that the link "this was not me" lives, from when its mail is sent. */
  @IsWholeNumber(60, 2_592_000)
  disavowTtlSeconds = 604_800;
  /** Seconds in which an account gets no reset mails after "this was not me"; 0 for none. */
  @IsWholeNumber(...BOUNDS.quietPeriod)
  quietPeriodSeconds = 3600;
}
