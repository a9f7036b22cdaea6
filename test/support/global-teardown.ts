import './global-setup';

export default async function globalTeardown(): Promise<void> {
  for (const database of globalThis.testDatabases.reverse()) await database.close();
}
