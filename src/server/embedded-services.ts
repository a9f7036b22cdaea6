import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ResolvedSettings } from '../app.module';
import { migrate } from '../migrate';
import { EmbeddedDatabase, openEmbeddedDatabase } from './embedded-database';
import type { Settings } from './settings';

/** Where the embedded database and the generated secret are kept. */
export const dataDirectory = resolve('.data');

/** What the server runs by itself where the settings name nothing else. */
export interface EmbeddedServices {
  /** The settings, with what was started or generated filled in. */
  settings: ResolvedSettings;
  /** `undefined` where `DATABASE_URL` names a server. */
  database: EmbeddedDatabase | undefined;
  close(): Promise<void>;
}

/** Starts or generates what the settings leave out: a database with its tables, a secret. */
export async function startEmbeddedServices(settings: Settings): Promise<EmbeddedServices> {
  const database = settings.databaseUrl ? undefined : await openEmbeddedDatabase(dataDirectory);
  const databaseUrl = settings.databaseUrl ?? database!.url;
  if (database) await migrate(databaseUrl, { onWait: (message) => process.stderr.write(`${message}\n`) });
  const secretKey = settings.secretKey ?? generatedSecret();
  return {
    settings: { ...settings, secretKey, databaseUrl },
    database,
    close: async () => database?.close(),
  };
}

/** Generated once in each data folder: links survive a restart, and no two installations share a secret. */
function generatedSecret(): string {
  const file = join(dataDirectory, 'secret-key');
  if (!existsSync(file)) {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(48).toString('base64'), { mode: 0o600, flag: 'wx' });
  }
  const secret = readFileSync(file, 'utf8').trim();
  // A full disk leaves an empty file, and anyone can sign with an empty key.
  if (secret.length < 32) throw new Error(`${file} is damaged. Delete it; links and sessions end with it.`);
  return secret;
}
