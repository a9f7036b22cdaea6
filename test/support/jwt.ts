import { createHmac } from 'node:crypto';

export interface JwtParts {
  header?: object;
  claims: unknown;
  /** Signs with it; without one the signature stays empty. */
  key?: Buffer | string;
}

/** A token with whatever header and claims, which no library would sign. */
export function forgeJwt({ header = {}, claims, key }: JwtParts): string {
  const fullHeader = { typ: 'JWT', alg: 'HS256', ...header };
  const input = [fullHeader, claims].map(encode).join('.');
  const bits = /^HS(384|512)$/.exec(fullHeader.alg)?.[1] ?? '256';
  const signature = key === undefined ? '' : createHmac(`sha${bits}`, key).update(input).digest('base64url');
  return `${input}.${signature}`;
}

/** Header and claims of a token, believed without a look at the signature. */
export function readJwt(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header!), claims: JSON.parse(claims!) };
}

function encode(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}
