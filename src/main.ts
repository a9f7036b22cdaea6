import { letYoungGenerationGrow } from './young-generation';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { createAdapter, setUp, setUpFastify } from './app.setup';
import { provideDemoAccount } from './demo-account';
import { loadSettings } from './env';
import { Draining } from './draining';
import { dataDirectory, LocalParts, provideLocalParts } from './local-parts';
import { createPino, PinoLogger } from './logger';
import { explainStartError } from './start-error';
import { letEventLoopGoFirst } from './thread-pool';

async function main(): Promise<void> {
  const parts = await provideLocalParts(loadSettings());
  const { settings, database } = parts;
  const log = createPino(settings.logLevel, settings.production);
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
  const account = database && (await provideDemoAccount(app));
  await app.listen(settings.port, settings.host);
  stopOnSignals(app, parts);
  await letEventLoopGoFirst();
  letYoungGenerationGrow();
  if (settings.production) log.info({ context: 'Latchkey' }, `ready at ${await app.getUrl()}`);
  else process.stdout.write(welcome(parts, account));
}

/** A supervisor kills after some thirty seconds what has not ended by itself. */
const LONGEST_STOP_MS = 28_000;

/**
 * Finishes what is under way, then leaves. Before that, at a SIGTERM, time for whoever sends requests here to learn that it is
 * not ready any more. A second signal does not wait.
 */
function stopOnSignals(app: NestFastifyApplication, parts: LocalParts): void {
  const stop = async (delaySeconds: number) => {
    setTimeout(() => process.exit(1), LONGEST_STOP_MS);
    app.get(Draining).begun = true;
    await delay(delaySeconds * 1000);
    await app.close();
    await parts.close();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop(parts.settings.shutdownDelay));
  process.once('SIGINT', () => void stop(0));
}

function welcome({ settings, database }: LocalParts, account: string | undefined): string {
  const { publicUrl } = settings;
  const lines = [
    ['pages', publicUrl],
    ['API', settings.apiDocs ? `${publicUrl}/api/docs` : `${publicUrl}/api`],
    [
      'mailbox',
      settings.mail
        ? `mails go to ${settings.mail.server}:${settings.mail.port}`
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
