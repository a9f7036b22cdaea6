import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../app.module';
import { EmbeddedServices, startEmbeddedServices } from '../embedded-services';
import { loadSettings } from '../settings';

/** Runs work with the settings of this process, and with the embedded parts that they leave to us. */
export async function withServices<T>(work: (services: EmbeddedServices) => Promise<T>): Promise<T> {
  const services = await startEmbeddedServices(loadSettings());
  try {
    return await work(services);
  } finally {
    await services.close();
  }
}

/** Runs work in the application of the server, which neither listens nor handles jobs meanwhile. */
export function inApplication<T>(work: (app: INestApplicationContext) => Promise<T>): Promise<T> {
  return withServices(async ({ settings }) => {
    const module = AppModule.with({ ...settings, role: 'web' });
    const app = await NestFactory.createApplicationContext(module, { abortOnError: false, logger: false });
    try {
      return await work(app);
    } finally {
      await app.close();
    }
  });
}
