/** Shorter ones are in many words: "wer" in "answer" costs little, "er" and "as" would cost a lot. */
const SHORTEST_RUN = 3;

const LINES = [
  'abcdefghijklmnopqrstuvwxyz',
  '012345678901234567890',
  '!@#$%^&*()',
  // Rows of keyboards.
  ...['qwertyuiop[]', 'asdfghjkl;', 'zxcvbnm,./', 'qwertzuiop', 'azertyuiop'],
  ...['йцукенгшщзхъ', 'фывапролджэ', 'ячсмитьбю'],
  // Columns, and two rows at once.
  ...['1qaz', '2wsx', '3edc', '4rfv', '5tgb', '6yhn', '7ujm', '8ik,', '9ol.', '0p;/'],
  ...['1q2w3e4r5t6y7u8i9o0p', 'q1w2e3r4t5y6u7i8o9p0'],
].flatMap((line) => [line, [...line].reverse().join('')]);

/** However it is capitalized, and however its accents are typed. */
export function alike(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Code points, which is what people take for characters (NIST SP 800-63B-4, section 3.1.1.2). */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** @returns what a text says over and over, such as "abc" in "abcabcabca"; a text that does not is its own unit */
export function repeatedUnit(text: string): string {
  for (let length = 1; length * 2 <= text.length; length++) {
    if (text.slice(length) === text.slice(0, -length)) return text.slice(0, length);
  }
  return text;
}

/**
 * How many things one has to guess to have a text: a letter is one, and so is the same letter again and again, or a run
 * along the alphabet, the digits or the keyboard ("4567", "poiuy").
 */
export function guessesIn(text: string): number {
  const letters = [...text.replace(/(.)\1+/gsu, '$1')];
  let guesses = 0;
  for (let at = 0; at < letters.length; at += runAt(letters, at)) guesses++;
  return guesses;
}

function runAt(letters: string[], start: number): number {
  let end = start + 1;
  while (end < letters.length && isOnALine(letters.slice(start, end + 1).join(''))) end++;
  const length = end - start;
  return length < SHORTEST_RUN ? 1 : length;
}

function isOnALine(text: string): boolean {
  return LINES.some((line) => line.includes(text));
}
