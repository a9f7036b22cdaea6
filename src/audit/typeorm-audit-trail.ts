import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { SecurityAct } from '../common';
import { TypeOrmTransactions } from '../database';
import { AuditEvent, AuditQuery, AuditTrail } from './audit-trail';

@Entity('audit_events', { schema: 'latchkey' })
export class AuditEventEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('timestamptz')
  at!: Date;

  @Column('text')
  act!: SecurityAct;

  @Column('text')
  outcome!: AuditEvent['outcome'];

  @Column('text', { name: 'request_id' })
  requestId!: string;

  @Column('text', { name: 'user_id', nullable: true })
  userId!: string | null;

  @Column('text', { nullable: true })
  source!: string | null;

  @Column('jsonb')
  details!: AuditEvent['details'];
}

// One parameter and one plan for any number of events: 500 of them take some 3 ms of this process.
// A batch whose answer was lost is sent again, so what is there already is no error.
const APPEND = `
  INSERT INTO latchkey.audit_events (id, at, act, outcome, request_id, user_id, source, details)
  SELECT id, at, act, outcome, "requestId", "userId", source, details
  FROM jsonb_to_recordset($1::jsonb) AS event (
    id uuid, at timestamptz, act text, outcome text, "requestId" text, "userId" text, source text, details jsonb
  )
  ON CONFLICT (id) DO NOTHING`;

const REQUESTS_OF_USER = 'SELECT request_id FROM latchkey.audit_events WHERE user_id = :userId';

/** Events in PostgreSQL. */
@Injectable()
export class TypeOrmAuditTrail extends AuditTrail {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async append(events: readonly AuditEvent[]): Promise<void> {
    await this.transactions.manager.query(APPEND, [JSON.stringify(events)]);
  }

  async find({ userId, requestId, act, mailIds, since, limit }: AuditQuery): Promise<AuditEvent[]> {
    const query = this.events.createQueryBuilder('event');
    if (userId !== undefined) query.andWhere(`event.requestId IN (${REQUESTS_OF_USER})`, { userId });
    if (requestId !== undefined) query.andWhere('event.requestId = :requestId', { requestId });
    if (act !== undefined) query.andWhere('event.act = :act', { act });
    if (mailIds !== undefined) query.andWhere(`event.details->>'mailId' IN (:...mailIds)`, { mailIds });
    if (since !== undefined) query.andWhere('event.at >= :since', { since });
    const rows = await query.orderBy('event.at', 'DESC').addOrderBy('event.id').limit(limit).getMany();
    return rows.map(({ userId, source, ...row }) => ({
      ...row,
      ...(userId !== null && { userId }),
      ...(source !== null && { source }),
    }));
  }

  async deleteBefore(moment: Date, limit: number): Promise<number> {
    const old = 'SELECT id FROM latchkey.audit_events WHERE at < :moment ORDER BY at LIMIT :limit';
    const { affected } = await this.events
      .createQueryBuilder()
      .delete()
      .where(`id IN (${old})`, { moment, limit })
      .execute();
    return affected ?? 0;
  }

  private get events() {
    return this.transactions.manager.getRepository(AuditEventEntity);
  }
}
