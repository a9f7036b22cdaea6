import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { SourceLimitGuard } from './limit-per-source';
import { LimitsOptions } from './limits.options';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(LimitsOptions);

/** Limits that all instances share. */
@Module({ providers: [optionsProvider, SourceLimitGuard], exports: [SourceLimitGuard, LimitsOptions] })
export class LimitsModule extends ConfigurableModuleClass {}
