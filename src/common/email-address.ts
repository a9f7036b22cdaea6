import { isEmail } from 'class-validator';
import { domainToASCII } from 'node:url';

/** A mail address, and the key by which two addresses are compared. */
export interface EmailAddress {
  /** Where mail goes: the local part as it was typed, the domain as A-labels in lower case. */
  address: string;
  key: string;
}

// RFC 5321, section 4.5.3.1.3; the limits of the two parts are checked by isEmail.
const MAXIMUM_OCTETS = 254;

/**
 * One @. Before it nothing that begins a quoted text, a comment, a list, a route or an encoded word (CVE-2025-13033).
 * After it no ASCII but that of host names: `domainToASCII` is a URL parser, which would drop a path and decode a "%61".
 * U+3002 is the full stop that such a parser takes for a dot.
 */
const PLAIN_ADDRESS = /^(?!.*(?:=\?|\u3002))([^\s"(),:;<>@[\]\\%!]+)@([a-z\d.\-\u{80}-\u{10ffff}]+)$/iu;

/**
 * Reads one mail address.
 *
 * The comparison key is made here and nowhere else: ASCII letters in lower case, the domain as A-labels. Databases fold
 * more than ASCII (PostgreSQL: `lower(U+212A) = 'k'`), which once sent reset mails to look-alikes (CVE-2019-19844), so
 * addresses with characters that Unicode treats as twins of others are refused, and no other place may fold.
 * No provider's own rules (dots, plus tags) are applied: they differ, and mail goes to the stored address anyway.
 *
 * Letters with accents that are typed as two code points are composed (RFC 6532, section 3.1): keyboards differ in it. The
 * domain is kept as DNS has it, so that no letter of it can pass for another one (homographs).
 *
 * @returns undefined for anything that is not exactly one plain address
 */
export function parseEmailAddress(text: unknown): EmailAddress | undefined {
  if (typeof text !== 'string' || text.length > MAXIMUM_OCTETS || !hasOneReading(text)) return undefined;
  const [, localPart, domain] = PLAIN_ADDRESS.exec(text.normalize('NFC')) ?? [];
  if (localPart === undefined || domain === undefined) return undefined;
  const labels = domainToASCII(domain).toLowerCase();
  const key = `${lowerAscii(localPart)}@${labels}`;
  const valid =
    Buffer.byteLength(key) <= MAXIMUM_OCTETS &&
    isEmail(key, { allow_utf8_local_part: true, require_tld: false });
  return valid ? { address: `${localPart}@${labels}`, key } : undefined;
}

/**
 * The key of the mailbox behind an address, for limits only and never for identity: `name+tag@domain` counts as
 * `name@domain` (RFC 5233). Only `+` is the usual separator everywhere; elsewhere `-` is part of names.
 */
export function mailboxKey(emailKey: string): string {
  return emailKey.replace(/^([^+@]+)\+[^@]*@/, '$1@');
}

/** `susan@example.com` becomes `s***@example.com`: enough to recognize one's own address, not to learn another's. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 1 ? '***' : `${[...address][0]}***${address.slice(at)}`;
}

/** Controls, what is not seen, and what stands for bytes that were no text. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffd]/u;

/**
 * A string with one reading: once composed the same in every Unicode normal form, and free of letters that are twins of
 * others by themselves, of those whose case folding leaves or enters ASCII (dotless i, long s, Kelvin sign), and of what
 * is hidden.
 */
function hasOneReading(text: string): boolean {
  const composed = text.normalize('NFC');
  return (
    text.isWellFormed() &&
    !HIDDEN.test(text) &&
    composed === text.normalize('NFKC') &&
    [...text, ...composed].every(isItself)
  );
}

/** A single character that becomes another one is a twin of it; only sequences may be composed. */
function isItself(character: string): boolean {
  return isAscii(character) || (character.normalize('NFC') === character && !foldsOntoAscii(character));
}

function foldsOntoAscii(character: string): boolean {
  return [...`${character.toLowerCase()}${character.toUpperCase()}`].some(isAscii);
}

function isAscii(character: string): boolean {
  return character.codePointAt(0)! < 0x80;
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
