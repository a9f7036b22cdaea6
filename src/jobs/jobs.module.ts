import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { Housekeeping } from './housekeeping';
import { JobQueue } from './job-queue';
import { JobsOptions } from './jobs.options';
import { PostgresJobQueue } from './postgres-job-queue';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(JobsOptions);

/** Durable background work; see {@link JobQueue} and {@link Housekeeping}. */
@Module({
  providers: [optionsProvider, { provide: JobQueue, useClass: PostgresJobQueue }, Housekeeping],
  exports: [JobQueue, Housekeeping, JobsOptions],
})
export class JobsModule extends ConfigurableModuleClass {}
