import { isEmail } from 'class-validator';
import { domainToASCII } from 'node:url';

/** A mail address as a person wrote it, and the key by which two addresses are compared. */
export interface EmailAddress {
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
 * @returns undefined for anything that is not exactly one plain address
 */
export function parseEmailAddress(address: unknown): EmailAddress | undefined {
  if (typeof address !== 'string' || address.length > MAXIMUM_OCTETS || !hasOneReading(address))
    return undefined;
  const [, localPart, domain] = PLAIN_ADDRESS.exec(address) ?? [];
  if (localPart === undefined || domain === undefined) return undefined;
  const key = `${lowerAscii(localPart)}@${domainToASCII(domain).toLowerCase()}`;
  const valid =
    Buffer.byteLength(key) <= MAXIMUM_OCTETS &&
    isEmail(key, { allow_utf8_local_part: true, require_tld: false });
  return valid ? { address, key } : undefined;
}

/** `susan@example.com` becomes `s***@example.com`: enough to recognize one's own address, not to learn another's. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 1 ? '***' : `${[...address][0]}***${address.slice(at)}`;
}

/**
 * A string with one reading: the same in every Unicode normal form, and free of letters whose case folding leaves or
 * enters ASCII (dotless i, long s, Kelvin sign), of controls, of invisible characters, and of U+FFFD, which stands for bytes that were no text.
 */
function hasOneReading(text: string): boolean {
  return (
    text.isWellFormed() &&
    text === text.normalize('NFC') &&
    text === text.normalize('NFKC') &&
    !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]/u.test(text) &&
    [...text].every((character) => isAscii(character) || !foldsOntoAscii(character))
  );
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
