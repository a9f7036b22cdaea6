import { Injectable } from '@nestjs/common';
import { Clock, SecurityEvent, SecurityEvents } from '../common';
import { toProblem } from '../http';
import type { LinkKind, OpenedLink } from './link-kind';
import { ReadToken, SignedTokens } from './signed-tokens';

/** What somebody tries to do with a link, for the security event that records a failure. */
export type LinkAttempt = Pick<SecurityEvent, 'act' | 'source' | 'details'>;

/** A mail is signed before it is handed to the mail server; a link is not shorter for the time that this takes. */
export const HAND_OVER_GRACE_SECONDS = 60;

/** Signs mailed one-time links, and opens them when they come back. Each kind is described by a {@link LinkKind}. */
@Injectable()
export class LinkService {
  private readonly kinds = new Map<string, LinkKind>();

  constructor(
    private readonly tokens: SignedTokens,
    private readonly events: SecurityEvents,
    private readonly clock: Clock,
  ) {}

  /** Adds a kind; its mails can be queued from then on. */
  register(kind: LinkKind): void {
    this.kinds.set(kind.purpose, kind);
  }

  /** The kind with a purpose. @throws Error where no module that is loaded has it */
  kindOf(purpose: string): LinkKind {
    const kind = this.kinds.get(purpose);
    if (!kind) throw new Error(`no module has links for "${purpose}"`);
    return kind;
  }

  /** When a link ends that is signed now: after its lifetime and a minute of grace. Whole seconds, as tokens have. */
  endOf({ ttlSeconds }: LinkKind): Date {
    const now = Math.floor(this.clock.now().getTime() / 1000);
    return new Date((now + ttlSeconds + HAND_OVER_GRACE_SECONDS) * 1000);
  }

  /**
   * Makes a link for a mail that leaves now.
   * @param id of the row that it names
   * @param expiresAt where the row keeps its own end: {@link endOf} at the same signing
   */
  sign(kind: LinkKind, id: string, expiresAt = this.endOf(kind)): string {
    if (kind.url === undefined) throw new Error(`there is no URL for "${kind.purpose}"`);
    return kind.url.replaceAll('{token}', this.tokens.sign(kind.purpose, id, expiresAt));
  }

  /** Checks a signature, without the database; a genuine token may be expired. @throws the error of the kind */
  assertGenuine(kind: LinkKind, token: string): void {
    this.read(kind, token);
  }

  /**
   * Reads a token and loads its row, dead or alive. A forgery costs no read of the database.
   * @throws the errors of the kind
   */
  async open<Row>(kind: LinkKind<Row>, token: string): Promise<OpenedLink<Row>> {
    const { id, expired } = this.read(kind, token);
    const row = await kind.findRow(id);
    if (row) return { row, expired };
    throw expired ? kind.errors.expired() : kind.errors.invalid();
  }

  /** As {@link open}, for a link that must be live. Records nothing. */
  async openLive<Row, Live>(kind: LinkKind<Row, Live>, token: string): Promise<Live> {
    return kind.assertLive(await this.open(kind, token));
  }

  /** Does something with a genuine link, dead or alive. If it fails, that is recorded, with the code of the error as reason. */
  async withLink<Row, T>(
    kind: LinkKind<Row>,
    token: string,
    attempt: LinkAttempt,
    work: (link: OpenedLink<Row>) => Promise<T>,
  ): Promise<T> {
    const link = await this.open(kind, token);
    try {
      return await work(link);
    } catch (error) {
      const about = kind.describe(link.row);
      const details = { ...about.details, ...attempt.details, reason: toProblem(error).code };
      await this.events.record({ ...attempt, ...about, outcome: 'failure', details });
      throw error;
    }
  }

  /** As {@link withLink}, with a link that must be live. */
  withLiveLink<Row, Live, T>(
    kind: LinkKind<Row, Live>,
    token: string,
    attempt: LinkAttempt,
    work: (live: Live, row: Row) => Promise<T>,
  ): Promise<T> {
    return this.withLink(kind, token, attempt, async (link) => work(await kind.assertLive(link), link.row));
  }

  private read({ purpose, errors }: LinkKind, token: string): ReadToken {
    try {
      return this.tokens.read(purpose, token);
    } catch {
      throw errors.invalid();
    }
  }
}
