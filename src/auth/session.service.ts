import { Injectable, OnModuleInit } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { randomUUID } from 'node:crypto';
import { Clock, RequestSource, SampledEvents, secondsAfter, SecurityEvents, Transactions } from '../common';
import { Authenticated } from '../http';
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
  /** Whether it is the session of the request. */
  current: boolean;
}

/** Why a session was ended before its time. */
export type SessionEnd = 'logout' | 'ended_by_owner' | 'credentials_changed' | 'too_many_sessions';

/** How often the last use of a busy session is written; a short idle lifetime needs more. */
const SECONDS_BETWEEN_TOUCHES = 60;
const TOUCHES_PER_IDLE_LIFETIME = 10;

/** Begins, checks and ends sessions. */
@Injectable()
export class SessionService implements OnModuleInit {
  constructor(
    private readonly store: SessionStore,
    private readonly users: UsersService,
    private readonly events: SecurityEvents,
    private readonly sampled: SampledEvents,
    private readonly housekeeping: Housekeeping,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: AuthOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange((userId) => this.endAllOf(userId));
    this.housekeeping.register('ended sessions', () => this.store.deleteExpired(this.clock.now()));
  }

  /** Begins a session under a new id. It may end older ones: see {@link AuthOptions.maxSessions}. */
  async begin({ id: userId, credentialsVersion }: User, source?: RequestSource): Promise<Session> {
    const now = this.clock.now();
    const session: Session = {
      id: randomUUID(),
      userId,
      // The version read together with the password: if a reset commits in between, this session is dead from the start.
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

  /** Records the use of a session. @returns its user; `undefined` unless it is live */
  async use(id: string): Promise<Authenticated<User> | undefined> {
    const session = await this.store.findWithUser(id, this.users);
    if (!session || !this.isInTime(session)) return undefined;
    const { user } = session;
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
   * @param ownerId the user it must belong to, if that is not known yet
   * @returns whether it existed; somebody else's session and a malformed id look the same as none
   */
  async end(id: string, reason: SessionEnd, source?: RequestSource, ownerId?: string): Promise<boolean> {
    const session = isUUID(id) ? await this.store.findById(id) : undefined;
    if (!session) return false;
    if (ownerId !== undefined && session.userId !== ownerId) {
      const event = { act: 'access_refused', outcome: 'failure', userId: ownerId, source } as const;
      await this.sampled.record({ ...event, details: { reason: 'session_of_another', sessionId: id } });
      return false;
    }
    return this.transactions.run(async () => {
      const ended = await this.store.delete(id);
      if (ended) await this.recordEnd(session.userId, { reason, sessionId: id }, source);
      return ended;
    });
  }

  private async endAllOf(userId: string): Promise<void> {
    const sessions = await this.store.deleteAllOf(userId);
    if (sessions > 0) await this.recordEnd(userId, { reason: 'credentials_changed', sessions });
  }

  /**
   * The last of any number of parallel sign-ins sees the sessions of all, so that no more than the limit remain. Only
   * sessions older than the newest ones within the limit end, so that no sign-in ends a newer one.
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

  /** Not at every use, which would be a write per request; so an idle session may end that much early. */
  private async touch(session: Session): Promise<void> {
    const { sessionIdleTtlSeconds } = this.options;
    const pause = Math.min(SECONDS_BETWEEN_TOUCHES, sessionIdleTtlSeconds / TOUCHES_PER_IDLE_LIFETIME);
    const now = this.clock.now();
    if (secondsAfter(lastUseOf(session), pause) <= now) await this.store.touch(session.id, now);
  }

  private recordEnd(
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
