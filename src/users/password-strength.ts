import { Injectable } from '@nestjs/common';
import type { OptionsGraph, ZxcvbnFactory } from '@zxcvbn-ts/core';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const COMMON_PASSWORDS = join(__dirname, 'common-passwords.txt');

/** UTF-16 units that are estimated: the work grows faster than the length, and a longer password is no easier to guess. */
const LONGEST_ESTIMATED = 48;

/** Ways to read digits and signs as letters ("p4ssw0rd"). The library's 100 take seconds for a long row of digits. */
const LONGEST_SUBSTITUTIONS = 10;

const CALENDAR = [
  ...['spring', 'summer', 'autumn', 'fall', 'winter'],
  ...['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
  ...['january', 'february', 'march', 'april', 'may', 'june'],
  ...['july', 'august', 'september', 'october', 'november', 'december'],
];

/** The library knows Latin keyboards only. */
const CYRILLIC_KEYBOARD = rowsOfKeys('йцукенгшщзхъ', 'фывапролджэ', 'ячсмитьбю');

/** However it is capitalized, and however its accents are typed. */
export function alike(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/**
 * Estimates how many guesses a password takes an attacker who knows how people choose them: common passwords, words,
 * dates, repetitions, runs along the alphabet and the keyboard (zxcvbn; D. Wheeler, USENIX Security 2016).
 */
@Injectable()
export class PasswordStrength {
  private estimator: Promise<ZxcvbnFactory> | undefined;

  /** @returns the number of guesses as a power of ten */
  async guessesLog10(password: string): Promise<number> {
    const estimator = await this.load();
    const text = alike(password);
    // The library takes "aaaabbbbcccc" for three things to guess.
    const withoutRepeats = text.replace(/(.)\1+/gsu, '$1');
    return Math.min(...[text, withoutRepeats].map((one) => estimator.check(one).guessesLog10));
  }

  /** At the first need: a process that sets no passwords saves 30 MB. */
  private load(): Promise<ZxcvbnFactory> {
    this.estimator ??= createEstimator().catch((error: unknown) => {
      // No file handle was left, for example: the next check reads again.
      this.estimator = undefined;
      throw error;
    });
    return this.estimator;
  }
}

async function createEstimator(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }, file] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    readFile(COMMON_PASSWORDS, 'utf8'),
  ]);
  const listed = file
    .slice(file.indexOf('\n\n') + 2)
    .trimEnd()
    .split('\n');
  return new ZxcvbnFactory({
    dictionary: { ...dictionary, listed, calendar: CALENDAR },
    graphs: { ...adjacencyGraphs, cyrillic: CYRILLIC_KEYBOARD },
    maxLength: LONGEST_ESTIMATED,
    l33tMaxSubstitutions: LONGEST_SUBSTITUTIONS,
  });
}

/** @returns which keys are beside which: each has one to its left and one to its right */
function rowsOfKeys(...rows: string[]): OptionsGraph[string] {
  const neighbors = (row: string) =>
    [...row].map((key, at) => [key, [row[at - 1] ?? null, row[at + 1] ?? null]]);
  return Object.fromEntries(rows.flatMap(neighbors)) as OptionsGraph[string];
}
