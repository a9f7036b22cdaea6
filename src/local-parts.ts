import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ResolvedSettings } from './app.module';
import { EmbeddedDatabase, openEmbeddedDatabase } from './database';
import type { Settings } from './env';
import { migrate } from './schema';

/** Where the embedded database and the made secret are kept. */
export const dataDirectory = resolve('.data');

/** Settings with nothing left open, and what had to be started for it. */
export interface LocalParts {
  settings: ResolvedSettings;
  /** The embedded database, where there is no other. */
  database: EmbeddedDatabase | undefined;
  close(): Promise<void>;
}

/** Makes or starts what the settings leave out: a secret, a database with its tables. */
export async function provideLocalParts(settings: Settings): Promise<LocalParts> {
  const database = settings.database.url ? undefined : await openEmbeddedDatabase(dataDirectory);
  const url = settings.database.url ?? database!.url;
  if (database) await migrate(url);
  const secretKey = settings.secretKey ?? keptSecret();
  return {
    settings: { ...settings, secretKey, database: { ...settings.database, url } },
    database,
    close: async () => database?.close(),
  };
}

/** A secret of this folder's own, made once: links survive a restart, and no two installations share one. */
function keptSecret(): string {
  const file = join(dataDirectory, 'secret-key');
  if (!existsSync(file)) {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(48).toString('base64'), { mode: 0o600, flag: 'wx' });
  }
  const secret = readFileSync(file, 'utf8').trim();
  // A full disk leaves an empty file, and everybody can sign with an empty key.
  if (secret.length < 32) throw new Error(`${file} is damaged. Delete it; links and sessions end with it.`);
  return secret;
}
