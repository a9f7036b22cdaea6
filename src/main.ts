import { letYoungGenerationGrow } from './server/young-generation';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { createAdapter, setUp, setUpFastify } from './server/app.setup';
import { createDemoAccount } from './server/demo-account';
import { Draining } from './server/draining';
import { dataDirectory, EmbeddedServices, startEmbeddedServices } from './server/embedded-services';
import { createPino, PinoLogger } from './server/logger';
import { loadSettings } from './server/settings';
import { explainStartError } from './server/start-error';
import { lowerThreadPoolPriority } from './users';

async function main(): Promise<void> {
  const services = await startEmbeddedServices(loadSettings());
  const { settings, database } = services;
  const production = settings.environment === 'production';
  const log = createPino(settings.logLevel, production);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(settings),
    createAdapter(settings),
    {
      abortOnError: false,
      logger: new PinoLogger(log),
    },
  );
  setUp(app, settings);
  await setUpFastify(app, log);
  const account = database && (await createDemoAccount(app));
  await app.listen(settings.port, settings.host);
  for (const warning of settings.warnings) log.warn({ context: 'Settings' }, warning);
  stopOnSignals(app, services);
  await lowerThreadPoolPriority();
  letYoungGenerationGrow();
  if (production) log.info({ context: 'Latchkey' }, `ready at ${await app.getUrl()}`);
  else process.stdout.write(welcome(services, account));
}

/** Supervisors kill a process that has not ended after about thirty seconds. */
const LONGEST_STOP_MS = 28_000;

/**
 * Finishes what is under way, then exits. A SIGTERM first leaves load balancers time to learn that this process is not ready
 * any more. A second signal does not wait.
 */
function stopOnSignals(app: NestFastifyApplication, services: EmbeddedServices): void {
  const stop = async (delaySeconds: number) => {
    setTimeout(() => process.exit(1), LONGEST_STOP_MS);
    app.get(Draining).isDraining = true;
    await delay(delaySeconds * 1000);
    await app.close();
    await services.close();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop(services.settings.shutdownDelay));
  process.once('SIGINT', () => void stop(0));
}

function welcome({ settings, database }: EmbeddedServices, account: string | undefined): string {
  const { publicUrl } = settings;
  const lines = [
    ['pages', publicUrl],
    ['API', settings.apiDocs === 'on' ? `${publicUrl}/api/docs` : `${publicUrl}/api`],
    [
      'mailbox',
      settings.mailServer
        ? `mails go to ${settings.mailServer}:${settings.mailPort}`
        : `${publicUrl}/dev/mailbox`,
    ],
    ['data', database ? dataDirectory : 'the database of DATABASE_URL'],
    ...(account ? [['account', account]] : []),
  ];
  const list = lines.map(([name, value]) => `  ${name!.padEnd(8)} ${value}`).join('\n');
  return `\n${settings.appName} is ready.\n\n${list}\n\n`;
}

main().catch((error: unknown) => {
  process.stderr.write(`Latchkey cannot start: ${explainStartError(error)}\n`);
  process.exit(1);
});
