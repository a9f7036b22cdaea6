import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const DIRECTORY = resolve(__dirname, '..', 'fixtures');

/** The host applications of `test/fixtures`, written as a host writes them: with the name of the package. */
export function readFixtures(): { name: string; text: string }[] {
  return readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ name: file, text: asHostWrites(readFileSync(join(DIRECTORY, file), 'utf8')) }));
}

function asHostWrites(text: string): string {
  return text
    .replaceAll("from '../../../src'", "from 'latchkey'")
    .replaceAll("from '../../../src/testing'", "from 'latchkey/testing'");
}
