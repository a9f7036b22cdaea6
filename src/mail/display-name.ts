/** UTF-16 units, twice as many as of a name that registers: one from elsewhere must not take the time of a whole mail. */
const LONGEST_NAME = 256;

/**
 * A user name as it may stand in a mail: one line, read in one direction, and nothing in it that a mail program turns
 * into a link.
 *
 * Dots, slashes and the like become spaces only where they join two characters, so "Dr. Smith" stays and "evil.example"
 * does not. Zero-width characters would keep the look, but mail filters take them for a sign of phishing.
 */
export function displayName(username: string): string {
  return username
    .slice(0, LONGEST_NAME)
    .normalize('NFKC')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(UNSEEN, '')
    .replace(/[.。:/\\@]+(?=\S)/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** Direction marks, zero-width and unassigned characters, but not the joiners that emoji and several scripts need. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu;
