import { Injectable } from '@nestjs/common';
import { BreachedPasswords } from './breached-passwords';
import { CommonPasswords } from './common-passwords';
import { alike, guessesIn, lengthOf, repeatedUnit } from './guessable';
import { PasswordPolicy, PasswordProblem } from './password-policy';
import type { User } from './user';
import { UsersOptions } from './users.options';

type Account = Pick<User, 'email' | 'username'>;

const MAXIMUM_LENGTH = 256;
/** Shorter names turn up in innocent words. */
const SHORTEST_NAME = 4;
/** What is shorter is too little to be called anybody's word. */
const SHORTEST_CONTEXT_WORD = 3;

/**
 * Long, not common, not known from a breach, and not made of what an attacker knows of the account; no rules of
 * composition (NIST SP 800-63B-4, section 3.1.1.2). One code point counts as one character.
 */
@Injectable()
export class DefaultPasswordPolicy extends PasswordPolicy {
  constructor(
    private readonly options: UsersOptions,
    private readonly common: CommonPasswords,
    private readonly breached: BreachedPasswords,
  ) {
    super();
  }

  async check(password: string, account: Account): Promise<PasswordProblem[]> {
    const { passwordMinLength } = this.options;
    const length = lengthOf(password.normalize('NFC'));
    if (length > MAXIMUM_LENGTH) {
      return [{ reason: 'too_long', message: `Use at most ${MAXIMUM_LENGTH} characters.` }];
    }
    const problems: PasswordProblem[] = [];
    if (length < passwordMinLength) {
      problems.push({ reason: 'too_short', message: `Use at least ${passwordMinLength} characters.` });
    } else if (await this.isCommon(password)) {
      problems.push({ reason: 'common', message: 'Choose one that is harder to guess.' });
    }
    if (this.isOfAccount(alike(password), account)) {
      problems.push({
        reason: 'contains_account',
        message: 'Leave your name, your e-mail address and the name of this site out of it.',
      });
    }
    if (problems.length === 0 && (await this.breached.include(password))) {
      problems.push({
        reason: 'breached',
        message: 'Choose another one: this one has appeared in a data breach elsewhere.',
      });
    }
    return problems;
  }

  /** A password that is one piece over and over is worth no more than the piece. */
  private async isCommon(password: string): Promise<boolean> {
    const unit = repeatedUnit(alike(password));
    if (this.isLittle(unit)) return true;
    return (await this.common.include(password)) || this.common.include(unit);
  }

  private isOfAccount(password: string, account: Account): boolean {
    if (namesOf(account).some((name) => password.includes(name))) return true;
    const rest = this.contextWords(account).reduce((text, word) => text.replaceAll(word, ''), password);
    return rest !== password && this.isLittle(repeatedUnit(rest));
  }

  /** Not half of what a password has to have. */
  private isLittle(text: string): boolean {
    return guessesIn(text) < this.options.passwordMinLength / 2;
  }

  /** The words of this site and of this account, each as a whole and in its parts, the longest first. */
  private contextWords({ email, username }: Account): string[] {
    return [...this.options.contextWords, email, username]
      .map(alike)
      .flatMap((words) => [words, ...words.split(/[^\p{L}\p{N}]+/u)])
      .filter((word) => lengthOf(word) >= SHORTEST_CONTEXT_WORD)
      .sort((one, other) => other.length - one.length);
  }
}

/** What may not be anywhere in a password. */
function namesOf({ email, username }: Account): string[] {
  const localPart = email.slice(0, email.lastIndexOf('@'));
  return [username, localPart].map(alike).filter((name) => lengthOf(name) >= SHORTEST_NAME);
}
