/**
 * A user name as it may stand in a mail: one line, read in one direction, and nothing in it that a mail program turns
 * into a link.
 *
 * Dots, slashes and the like become spaces only where they join two characters, so "Dr. Smith" stays and "evil.example"
 * does not. Zero-width characters would keep the look, but mail filters take them for a sign of phishing.
 */
export function displayName(username: string): string {
  return username
    .normalize('NFKC')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(UNSEEN, '')
    .replace(/[.。:/\\@]+(?=\S)/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** Direction marks, zero-width and unassigned characters, but not the joiners that emoji and several scripts need. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu;
