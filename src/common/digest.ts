import { createHash } from 'node:crypto';

/** Stands for a key that is compared and never read, such as an address, which shall not rest where this is kept. */
export function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
