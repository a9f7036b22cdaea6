import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { AuditRecorder } from './audit-recorder';
import { AuditTrail } from './audit-trail';
import { AuditOptions } from './audit.options';
import { TypeOrmAuditTrail } from './typeorm-audit-trail';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(AuditOptions);

/** Keeps every security event in the database. Port to replace: {@link AuditTrail}. */
@Module({
  providers: [optionsProvider, { provide: AuditTrail, useClass: TypeOrmAuditTrail }, AuditRecorder],
  exports: [AuditTrail],
})
export class AuditModule extends ConfigurableModuleClass {}
