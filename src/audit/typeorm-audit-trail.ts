import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { SecurityAct } from '../common';
import { inBatches, TypeOrmTransactions } from '../database';
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

const OF_USER = 'request_id IN (SELECT request_id FROM latchkey.audit_events WHERE user_id = :userId)';

const OF_MAILS = `details->>'mailId' IN (:...mailIds)`;

// A function, because the server needs no right to delete events.
const DELETE = 'SELECT latchkey.delete_audit_events($1, $2) AS removed';

/** Events in PostgreSQL. Those of the last 24 hours are never deleted, whatever the moment. */
@Injectable()
export class TypeOrmAuditTrail extends AuditTrail {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async append(events: readonly AuditEvent[]): Promise<void> {
    await this.transactions.query(APPEND, [JSON.stringify(events)]);
  }

  async find({ userId, requestId, act, mailIds, since, limit }: AuditQuery): Promise<AuditEvent[]> {
    const query = this.events.createQueryBuilder('event');
    if (userId !== undefined) query.andWhere(among(OF_USER), { userId });
    if (requestId !== undefined) query.andWhere(among('request_id = :requestId'), { requestId });
    if (act !== undefined) query.andWhere('event.act = :act', { act });
    if (mailIds !== undefined) query.andWhere(among(OF_MAILS), { mailIds });
    if (since !== undefined) query.andWhere('event.at >= :since', { since });
    const rows = await query.orderBy('event.at', 'DESC').addOrderBy('event.id').limit(limit).getMany();
    return rows.map(({ userId, source, ...row }) => ({
      ...row,
      ...(userId !== null && { userId }),
      ...(source !== null && { source }),
    }));
  }

  deleteExpired(before: Date): Promise<number> {
    return inBatches(async (limit) => {
      const [row] = await this.transactions.manager.query<[{ removed: number }]>(DELETE, [before, limit]);
      return row.removed;
    });
  }

  private get events() {
    return this.transactions.manager.getRepository(AuditEventEntity);
  }
}

/**
 * Finds the events of a condition by its own index, before they are sorted. Where PostgreSQL does not know yet how rare they
 * are, it would rather read all events, the latest first, until enough are found.
 */
function among(condition: string): string {
  return `event.id = ANY(ARRAY(SELECT id FROM latchkey.audit_events WHERE ${condition}))`;
}
