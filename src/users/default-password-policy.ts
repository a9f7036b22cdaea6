import { Injectable } from '@nestjs/common';
import { BreachedPasswords } from './breached-passwords';
import { isTooLong, lengthOf, MAXIMUM_LENGTH, TOO_LONG } from './password-length';
import { PasswordPolicy, PasswordProblem } from './password-policy';
import { alike, PasswordStrength } from './password-strength';
import type { User } from './user';
import { UsersOptions } from './users.options';

type Account = Pick<User, 'email' | 'username'>;

/** What is shorter is too little to be called anybody's word. */
const SHORTEST_CONTEXT_WORD = 3;

/** As a power of ten; zxcvbn gives its highest score for it. */
const ENOUGH_GUESSES_LOG10 = 10;

/** For shorter minimums: a random character counts as one power of ten, and words as less. */
const ENOUGH_PER_CHARACTER = 0.7;

/**
 * Long, hard to guess, not known from a breach, and not made of what an attacker knows about the account; no rules of
 * composition (NIST SP 800-63B-4, section 3.1.1.2). One code point counts as one character.
 */
@Injectable()
export class DefaultPasswordPolicy extends PasswordPolicy {
  constructor(
    private readonly options: UsersOptions,
    private readonly strength: PasswordStrength,
    private readonly breached: BreachedPasswords,
  ) {
    super();
  }

  async check(password: string, account: Account): Promise<PasswordProblem[]> {
    const { passwordMinLength } = this.options;
    if (isTooLong(password)) return [TOO_LONG];
    const length = lengthOf(password.normalize('NFC'));
    if (length > MAXIMUM_LENGTH) return [TOO_LONG];
    const problems: PasswordProblem[] = [];
    if (length < passwordMinLength)
      problems.push({ reason: 'too_short', message: `Use at least ${passwordMinLength} characters.` });
    if (await this.isOfAccount(alike(password), account)) {
      problems.push({
        reason: 'contains_account',
        message: 'Leave your name, your e-mail address and the name of this site out of it.',
      });
    }
    if (problems.length === 0 && (await this.isGuessable(password)))
      problems.push({ reason: 'common', message: 'Choose one that is harder to guess.' });
    if (problems.length === 0 && (await this.breached.include(password))) {
      problems.push({
        reason: 'breached',
        message: 'Choose another one: this one has appeared in a data breach elsewhere.',
      });
    }
    return problems;
  }

  private async isGuessable(password: string): Promise<boolean> {
    const enough = Math.min(ENOUGH_GUESSES_LOG10, ENOUGH_PER_CHARACTER * this.options.passwordMinLength);
    return (await this.strength.guessesLog10(password)) < enough;
  }

  /** A word of the account harms nobody in a longer phrase: without it, half of a password has to be left. */
  private async isOfAccount(password: string, account: Account): Promise<boolean> {
    const rest = this.contextWords(account).reduce((text, word) => text.replaceAll(word, ''), password);
    if (rest === password) return false;
    return (await this.strength.guessesLog10(rest)) < this.options.passwordMinLength / 2;
  }

  /** The words of this site and of this account, each as a whole and in its parts, the longest first. */
  private contextWords({ email, username }: Account): string[] {
    return [...this.options.contextWords, email, username]
      .filter((words) => !isTooLong(words))
      .map(alike)
      .flatMap((words) => [words, ...words.split(/[^\p{L}\p{N}]+/u)])
      .filter((word) => lengthOf(word) >= SHORTEST_CONTEXT_WORD)
      .sort((one, other) => other.length - one.length);
  }
}
