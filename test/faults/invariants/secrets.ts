// I10: nothing that confirms is in a dump or in a log.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SecretSearch } from '../secret-search';
import type { World } from '../world';

export async function nothingConfirms({ cluster, name, servers, messages }: World) {
  const dump = spawn(join(cluster.bin, 'pg_dump'), ['--inserts', cluster.url(name)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const search = new SecretSearch();
  dump.stdout.setEncoding('utf8').on('data', (text: string) => search.read(text));
  const [status] = (await once(dump, 'close')) as [number];
  if (status !== 0) throw new Error(`pg_dump ended with ${status}`);
  const wrong = [search, ...servers.map((server) => server.search)]
    .filter(({ found }) => found > 0)
    .map(({ found, sample }) => `${found} times: …${sample}`);
  return { n: messages.length, wrong };
}
