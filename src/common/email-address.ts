import { isEmail } from 'class-validator';
import { domainToASCII } from 'node:url';

/** A mail address as a person wrote it, and the key by which two addresses are compared. */
export interface EmailAddress {
  address: string;
  key: string;
}

// RFC 5321, sections 4.5.3.1.1 to 4.5.3.1.3
const MAXIMUM_LOCAL_PART_OCTETS = 64;
const MAXIMUM_PATH_OCTETS = 254;

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
  if (typeof address !== 'string' || address.length > MAXIMUM_PATH_OCTETS || !hasOneReading(address))
    return undefined;
  const at = address.lastIndexOf('@');
  const localPart = address.slice(0, at);
  const domain = domainToASCII(address.slice(at + 1)).toLowerCase();
  if (!domain || Buffer.byteLength(localPart) > MAXIMUM_LOCAL_PART_OCTETS) return undefined;
  const key = `${lowerAscii(localPart)}@${domain}`;
  if (Buffer.byteLength(key) > MAXIMUM_PATH_OCTETS) return undefined;
  return isPlainAddress(key) ? { address, key } : undefined;
}

/** Rules out quoted local parts, comments, lists, routes, display names and address literals (CVE-2025-13033). */
function isPlainAddress(address: string): boolean {
  return (
    !/[\s"'(),:;<>[\]\\%!]/.test(address) &&
    isEmail(address, { allow_utf8_local_part: true, require_tld: false, ignore_max_length: true })
  );
}

/**
 * A string with one reading: the same in every Unicode normal form, and free of letters whose case folding leaves or
 * enters ASCII (dotless i, long s, Kelvin sign), of controls and of invisible characters.
 */
function hasOneReading(text: string): boolean {
  return (
    text.isWellFormed() &&
    text === text.normalize('NFC') &&
    text === text.normalize('NFKC') &&
    !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text) &&
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
