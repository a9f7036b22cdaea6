import { Injectable, OnModuleInit } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { randomUUID } from 'node:crypto';
import { Authenticated, Clock, RequestSource, secondsAfter, SecurityEvents, Transactions } from '../common';
import { Housekeeping } from '../jobs';
import { User, UsersService } from '../users';
import { AuthOptions } from './auth.options';
import { Session, SessionStore } from './session-store';

/** A session as its owner sees it. */
export interface SessionView {
  id: string;
  createdAt: Date;
  /** To about a minute. */
  lastSeenAt: Date;
  /** When it ends at the latest, used or not. */
  expiresAt: Date;
  ip: string | null;
  userAgent: string | null;
  /** Whether it is the one that asks. */
  current: boolean;
}

/** Why a session was ended before its time. */
export type SessionEnd = 'logout' | 'ended_by_owner' | 'credentials_changed' | 'too_many_sessions';

/** A session that is used all the time is written down this often; a short idle lifetime needs more. */
const SECONDS_BETWEEN_TOUCHES = 60;
const TOUCHES_AN_IDLE_LIFETIME = 10;

/** What begins, keeps up and ends a session. */
@Injectable()
export class Sessions implements OnModuleInit {
  constructor(
    private readonly store: SessionStore,
    private readonly users: UsersService,
    private readonly events: SecurityEvents,
    private readonly housekeeping: Housekeeping,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: AuthOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange((userId) => this.endAllOf(userId));
    this.housekeeping.register('ended sessions', () => this.store.deleteExpired(this.clock.now()));
  }

  /** Begins a session under an id that nobody has had before; see {@link AuthOptions.maxSessions} for what it may end. */
  async begin({ id: userId, credentialsVersion }: User, source?: RequestSource): Promise<Session> {
    const now = this.clock.now();
    const session: Session = {
      id: randomUUID(),
      userId,
      // The version read together with the password: if a reset commits in between, this session is void from the start.
      credentialsVersion,
      createdAt: now,
      expiresAt: secondsAfter(now, this.options.sessionTtlSeconds),
      lastSeenAt: now,
      ip: source?.ip ?? null,
      userAgent: source?.userAgent ?? null,
    };
    const details = { sessionId: session.id };
    await this.transactions.run(async () => {
      await this.store.insert(session);
      await this.events.record({ act: 'session_started', outcome: 'success', userId, source, details });
    });
    await this.endSurplusOf(userId, source);
    return session;
  }

  /** Notes that a session is used. @returns whose it is; `undefined` unless it is live */
  async use(id: string): Promise<Authenticated<User> | undefined> {
    const session = await this.store.findById(id);
    if (!session || !this.isInTime(session)) return undefined;
    const user = await this.users.findById(session.userId);
    if (!user || user.disabledAt || user.credentialsVersion !== session.credentialsVersion) return undefined;
    await this.touch(session);
    return { user, sessionId: id };
  }

  /** @returns the live sessions of a user, latest first */
  async listOf(userId: string, currentId: string): Promise<SessionView[]> {
    const user = await this.users.findById(userId);
    const sessions = await this.store.listOf(userId);
    return sessions
      .filter((session) => session.credentialsVersion === user?.credentialsVersion && this.isInTime(session))
      .map((session) => ({
        id: session.id,
        createdAt: session.createdAt,
        lastSeenAt: lastUseOf(session),
        expiresAt: session.expiresAt,
        ip: session.ip,
        userAgent: session.userAgent,
        current: session.id === currentId,
      }));
  }

  /**
   * Ends one session.
   * @param ownerId whose it must be, where it is not sure that it is theirs
   * @returns whether it was there; another's and an id of no form look the same as one that was not
   */
  async end(id: string, reason: SessionEnd, source?: RequestSource, ownerId?: string): Promise<boolean> {
    const session = isUUID(id) ? await this.store.findById(id) : undefined;
    if (!session || (ownerId !== undefined && session.userId !== ownerId)) return false;
    return this.transactions.run(async () => {
      const ended = await this.store.delete(id);
      if (ended) await this.tellEnd(session.userId, { reason, sessionId: id }, source);
      return ended;
    });
  }

  private async endAllOf(userId: string): Promise<void> {
    const sessions = await this.store.deleteAllOf(userId);
    if (sessions > 0) await this.tellEnd(userId, { reason: 'credentials_changed', sessions });
  }

  /**
   * Of any number of parallel sign-ins the last to look here sees the sessions of all, so that no more stay than may; and
   * only what is older than as many as may stay is ended, so that no sign-in ends a newer one.
   */
  private async endSurplusOf(userId: string, source?: RequestSource): Promise<void> {
    const surplus = (await this.store.listOf(userId)).slice(this.options.maxSessions);
    for (const { id } of surplus) await this.end(id, 'too_many_sessions', source);
  }

  private isInTime(session: Session): boolean {
    const now = this.clock.now();
    const idleEnd = secondsAfter(lastUseOf(session), this.options.sessionIdleTtlSeconds);
    return session.expiresAt > now && idleEnd > now;
  }

  /** Not at every use, which would be a write for every request; so a session may end up to that much early. */
  private async touch(session: Session): Promise<void> {
    const { sessionIdleTtlSeconds } = this.options;
    const pause = Math.min(SECONDS_BETWEEN_TOUCHES, sessionIdleTtlSeconds / TOUCHES_AN_IDLE_LIFETIME);
    const now = this.clock.now();
    if (secondsAfter(lastUseOf(session), pause) <= now) await this.store.touch(session.id, now);
  }

  private tellEnd(
    userId: string,
    details: { reason: SessionEnd } & Record<string, string | number>,
    source?: RequestSource,
  ): Promise<void> {
    return this.events.record({ act: 'session_ended', outcome: 'success', userId, source, details });
  }
}

function lastUseOf({ lastSeenAt, createdAt }: Session): Date {
  return lastSeenAt ?? createdAt;
}
