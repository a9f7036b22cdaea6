import { randomBytes } from 'node:crypto';
import type { Address } from 'postal-mime';

/** Who a mail was handed over for, whatever its headers say. */
export interface Envelope {
  from: string;
  to: string[];
}

/** A mail as it came, and what a mail program would make of it. */
export interface CaughtMail {
  id: string;
  receivedAt: Date;
  envelope: Envelope;
  from: string;
  to: string;
  subject: string;
  /** The `Date` header in ISO form, or as it was sent where it is no date. */
  date: string;
  text: string;
  html: string;
  source: string;
}

/** Reads a mail. One that no parser can make sense of is kept all the same, as its source. */
export async function readMail(raw: Buffer, envelope: Envelope, receivedAt: Date): Promise<CaughtMail> {
  const { default: PostalMime } = await import('postal-mime');
  const parsed = await PostalMime.parse(raw).catch(() => undefined);
  return {
    id: randomBytes(6).toString('base64url'),
    receivedAt,
    envelope,
    from: parsed?.from ? formatAddress(parsed.from) : '',
    to: (parsed?.to ?? []).map(formatAddress).join(', '),
    subject: parsed?.subject ?? '',
    date: parsed?.date ?? '',
    text: parsed?.text ?? '',
    html: parsed?.html ?? '',
    source: raw.toString('utf8'),
  };
}

function formatAddress({ name, address, group }: Address): string {
  if (group) return `${name}: ${group.map(formatAddress).join(', ')};`;
  return name ? `${name} <${address}>` : address;
}
