// What the harness reads in a raw message.
import { createHash } from 'node:crypto';

const MESSAGE_ID = /^Message-ID:\s*<([^@>]+)@/im;
/** Mails whose link is what they are for, by the path of it. */
const LINKS = /(reset_password|confirm_email|cancel_email)\/([\w-]+\.[\w-]+\.[\w-]+)/;
const KINDS: Record<string, string> = {
  reset_password: 'reset',
  confirm_email: 'confirm',
  cancel_email: 'cancel',
};
/** Other mails, by their subject. */
const NOTICE = /^Subject: .*Your Password Was Changed/im;
const MOVED = /^Subject: .*Your Email Address Was Changed/im;
const ANY_TOKEN = /[\w-]{10,}\.[\w-]{10,}\.[\w-]{20,}/g;

/** Undoes quoted-printable, as far as links need it. */
function decoded(raw: string): string {
  return raw
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** What a token of ours says; nothing is verified. */
export function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as {
    jti: string;
    exp: number;
  };
}

function kindOf(raw: string, path?: string) {
  if (path) return KINDS[path]!;
  if (NOTICE.test(raw)) return 'notice';
  return MOVED.test(raw) ? 'moved' : 'other';
}

/** @returns its Message-ID, its kind, and the token of its link with the time at which that dies */
export function readMail(raw: string) {
  const text = decoded(raw);
  const [, path, token] = LINKS.exec(text) ?? [];
  return {
    id: MESSAGE_ID.exec(raw)?.[1],
    kind: kindOf(raw, path),
    token,
    expiresAt: token ? claimsOf(token).exp * 1000 : Infinity,
    tokens: [...(text.match(ANY_TOKEN) ?? [])],
    digest: createHash('sha256').update(raw).digest('hex'),
  };
}
