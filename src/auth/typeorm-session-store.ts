import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { TypeOrmTransactions } from '../database';
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
}

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
    return (await this.sessions.findOneBy({ id })) ?? undefined;
  }

  async delete(id: string): Promise<void> {
    await this.sessions.delete({ id });
  }

  async deleteAllOf(userId: string): Promise<void> {
    await this.sessions.delete({ userId });
  }

  private get sessions() {
    return this.transactions.manager.getRepository(SessionEntity);
  }
}
