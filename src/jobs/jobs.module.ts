import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { JobQueue } from './job-queue';
import { JobsOptions } from './jobs.options';
import { PgBossJobQueue } from './pg-boss-job-queue';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(JobsOptions);

/** Durable background work; see {@link JobQueue}. */
@Module({
  providers: [optionsProvider, { provide: JobQueue, useClass: PgBossJobQueue }],
  exports: [JobQueue],
})
export class JobsModule extends ConfigurableModuleClass {}
