export * from './audit-trail';
export { AuditModule } from './audit.module';
export { AuditOptions } from './audit.options';
export { AuditEventEntity } from './typeorm-audit-trail';
