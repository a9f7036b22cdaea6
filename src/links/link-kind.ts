import type { SecurityEvent } from '../common';
import { LinkExpiredError, LinkInvalidError } from './links.errors';

/** A mailed link that somebody has opened: genuine, but perhaps dead. */
export interface OpenedLink<Row> {
  row: Row;
  /** The time of its token is over. */
  expired: boolean;
}

/** What a link is answered with that cannot be found; a kind may have codes of its own. */
export interface LinkErrors {
  invalid: () => Error;
  expired: () => Error;
}

/**
 * A kind of mailed one-time link: all there is to know of it, in one place. A new kind is one class, provided by its
 * module; its constructor registers it with {@link LinkService}.
 */
export abstract class LinkKind<Row = unknown, Live = unknown> {
  /** What its tokens are good for, and nothing else. Part of every mailed link, so never change it. */
  abstract readonly purpose: string;
  /** Template with `{token}` in it, from the settings and never from a request (CVE-2012-4520); without one, mails have no such link. */
  abstract readonly url: string | undefined;
  /** Seconds that a link lives, beside the grace of {@link LinkService.endOf}. */
  abstract readonly ttlSeconds: number;

  readonly errors: LinkErrors = {
    invalid: () => new LinkInvalidError(),
    expired: () => new LinkExpiredError(),
  };

  /** Loads the row that a token names. */
  abstract findRow(id: string): Promise<Row | undefined>;

  /**
   * Decides whether a link still does what it is for. Reads only, so that opening a link spends nothing.
   * @returns what the flow works with
   * @throws the error that says why not
   */
  abstract assertLive(link: OpenedLink<Row>): Promise<Live>;

  /** Whether a link in a mail that has waited in the queue is worth sending now. */
  isWorthMailing(_row: Row): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Whose link it is, for security events. */
  abstract describe(row: Row): Pick<SecurityEvent, 'userId' | 'email' | 'details'>;
}
