import { Injectable } from '@nestjs/common';
import { PasswordPolicy, PasswordProblem } from './password-policy';
import type { User } from './user';
import { UsersOptions } from './users.options';

const MAXIMUM_LENGTH = 256;
/** Shorter names turn up in innocent words. */
const SHORTEST_ACCOUNT_WORD = 4;

/**
 * Length, and nothing of the account's own in it; no rules of composition (NIST SP 800-63B-4, section 3.1.1.2).
 * One code point counts as one character.
 */
@Injectable()
export class LengthPasswordPolicy extends PasswordPolicy {
  constructor(private readonly options: UsersOptions) {
    super();
  }

  check(password: string, account: Pick<User, 'email' | 'username'>): Promise<PasswordProblem[]> {
    const problems: PasswordProblem[] = [];
    const { passwordMinLength } = this.options;
    const length = [...password.normalize('NFC')].length;
    if (length < passwordMinLength) {
      problems.push({ reason: 'too_short', message: `Use at least ${passwordMinLength} characters.` });
    }
    if (length > MAXIMUM_LENGTH) {
      problems.push({ reason: 'too_long', message: `Use at most ${MAXIMUM_LENGTH} characters.` });
    }
    if (containsAccount(password, account)) {
      problems.push({
        reason: 'contains_account',
        message: 'Leave your name and your e-mail address out of it.',
      });
    }
    return Promise.resolve(problems);
  }
}

function containsAccount(password: string, { email, username }: Pick<User, 'email' | 'username'>): boolean {
  const localPart = email.slice(0, email.lastIndexOf('@'));
  return [username, localPart]
    .filter((word) => word.length >= SHORTEST_ACCOUNT_WORD)
    .some((word) => alike(password).includes(alike(word)));
}

/** However it is capitalized, and however its accents are typed. */
function alike(text: string): string {
  return text.normalize('NFC').toLowerCase();
}
