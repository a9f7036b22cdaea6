/** Who sets the passwords below. */
export const OWNER = 'Jos\u00e9phine';

export interface PasswordVector {
  what: string;
  password: string;
  /** Codes of all that is wrong with it; empty where it is taken. */
  reasons: string[];
}

/** Different characters, none beside its neighbor in the alphabet. */
export function characters(count: number, first = 0x4e00): string {
  return Array.from({ length: count }, (_, n) => String.fromCodePoint(first + ((n * 7) % 300))).join('');
}

const EMOJI = 0x1f600;
const printable = Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + ((n * 7) % 95))).join('');

const refused = (what: string, password: string, ...reasons: string[]) => ({ what, password, reasons });
const taken = (what: string, password: string) => ({ what, password, reasons: [] });

/** The verdicts of the default policy, at a minimum of 15 on a site called Latchkey at localhost. */
export const PASSWORD_VECTORS: PasswordVector[] = [
  refused('14 letters', 'kqzmvrtwpxjhgf', 'too_short'),
  refused('14 emoji, 28 UTF-16 units', characters(14, EMOJI), 'too_short'),
  refused(
    '14 letters typed as 28 code points',
    'e\u0301a\u0301o\u0301i\u0301u\u0301y\u0301n\u0301'.repeat(2),
    'too_short',
  ),
  refused('257 characters', characters(257), 'too_long'),
  refused('257 emoji', characters(257, EMOJI), 'too_long'),
  refused(
    '4,000 combining marks in a bad order',
    'a' + '\u0345'.repeat(2000) + '\u0334'.repeat(2000),
    'too_long',
  ),
  refused('1,500 characters', characters(300).repeat(5), 'too_long'),
  refused('a common one', '1qaz2wsx3edc4rfv', 'common'),
  refused('a common one in capitals', 'ManchesterUnited', 'common'),
  refused('a common one twice', 'baseballbaseball', 'common'),
  refused('a common one and digits', 'password1234567', 'common'),
  refused('a season twice around a year', 'Summer2026!Summer', 'common'),
  refused('one letter', 'x'.repeat(20), 'common'),
  refused('one emoji', '😀'.repeat(20), 'common'),
  refused('three letters again and again', 'xyz'.repeat(6), 'common'),
  refused('digits in order', '123456789012345', 'common'),
  refused('the keyboard', 'qwertyuiopasdfgh', 'common'),
  refused('little more than the name', 'it is jos\u00e9phine', 'contains_account'),
  refused('little more than the name, typed otherwise', 'I AM JOSE\u0301PHINE!', 'contains_account'),
  refused('the name, and too little', 'jos\u00e9phine1', 'too_short', 'contains_account'),
  refused('the site twice', 'latchkeyLatchkey', 'contains_account'),
  refused('the site and a year', 'latchkey@localhost 2025', 'contains_account'),
  taken('15 letters', 'kqzmvrtwpxjhgfd'),
  taken('15 emoji', characters(15, EMOJI)),
  taken('64 characters', characters(64)),
  taken('64 emoji', characters(64, EMOJI)),
  taken('256 characters', characters(256)),
  taken('256 emoji', characters(256, EMOJI)),
  taken('every printable ASCII character', printable),
  taken('spaces at both ends', '  inner and outer  '),
  taken('small letters only', 'staple battery horse correct'),
  taken('digits only', '309274650918273'),
  taken('a common one inside a phrase', 'baseball is a bore to watch'),
  taken('the name inside a phrase', 'jos\u00e9phine keeps bees on her roof'),
  taken('the site inside a phrase', 'let me in to latchkey'),
  taken('another script', '這是一個只有我才知道的很長的句子'),
];
