import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { deleteInBatches, selectionOf, TypeOrmTransactions } from '../database';
import type { UsersService, WithUser } from '../users';
import { Session, SessionStore } from './session-store';

@Entity('sessions', { schema: 'latchkey' })
export class SessionEntity implements Session {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('int', { name: 'credentials_version' })
  credentialsVersion!: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'last_seen_at', nullable: true })
  lastSeenAt!: Date | null;

  @Column('text', { nullable: true })
  ip!: string | null;

  @Column('text', { name: 'user_agent', nullable: true })
  userAgent!: string | null;
}

const FIND = `SELECT ${selectionOf(SessionEntity)} FROM latchkey.sessions WHERE id = $1`;

/** Sessions in PostgreSQL. */
@Injectable()
export class TypeOrmSessionStore extends SessionStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async insert(session: Session): Promise<void> {
    await this.sessions.insert(session);
  }

  async findById(id: string): Promise<Session | undefined> {
    return (await this.transactions.query<Session>(FIND, [id])).rows[0];
  }

  override findWithUser(id: string, users: UsersService): Promise<WithUser<Session> | undefined> {
    return users.findRowWithUser<Session>(FIND, [id]) ?? super.findWithUser(id, users);
  }

  listOf(userId: string): Promise<Session[]> {
    return this.sessions.find({ where: { userId }, order: { createdAt: 'DESC', id: 'DESC' } });
  }

  async touch(id: string, lastSeenAt: Date): Promise<void> {
    await this.sessions.update({ id }, { lastSeenAt });
  }

  async delete(id: string): Promise<boolean> {
    const { affected } = await this.sessions.delete({ id });
    return affected === 1;
  }

  async deleteAllOf(userId: string): Promise<number> {
    const { rowCount } = await this.transactions.query('DELETE FROM latchkey.sessions WHERE user_id = $1', [
      userId,
    ]);
    return rowCount ?? 0;
  }

  deleteExpired(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.sessions', 'expires_at < $1', [before]);
  }

  private get sessions() {
    return this.transactions.manager.getRepository(SessionEntity);
  }
}
