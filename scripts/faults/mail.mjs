// What the harness reads in a raw message.
import { createHash } from 'node:crypto';

const MESSAGE_ID = /^Message-ID:\s*<([^@>]+)@/im;
const RESET_LINK = /reset_password\/([\w-]+\.[\w-]+\.[\w-]+)/;
const ANY_TOKEN = /[\w-]{10,}\.[\w-]{10,}\.[\w-]{20,}/g;

/** Undoes quoted-printable, as far as links need it. */
function decoded(raw) {
  return raw
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** What a token of ours says; nothing is verified. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));
}

/** @returns its Message-ID, its kind, and the token of its link with the time at which that dies */
export function readMail(raw) {
  const text = decoded(raw);
  const token = RESET_LINK.exec(text)?.[1];
  return {
    id: MESSAGE_ID.exec(raw)?.[1],
    kind: token ? 'reset' : 'notice',
    token,
    expiresAt: token && claimsOf(token).exp * 1000,
    tokens: text.match(ANY_TOKEN) ?? [],
    digest: createHash('sha256').update(raw).digest('hex'),
  };
}
