export { AuditOptions } from './audit.options';
