import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError } from 'commander';
import { parseEmailAddress } from '../../common';
import { UsersService } from '../../users';

/** @throws InvalidArgumentError */
export function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('Must be a number from 1 to 99999.');
  return Number(text);
}

/** @returns the id of the account that has an address now @throws Error where there is none */
export async function userIdOf(email: string, app: INestApplicationContext): Promise<string> {
  const address = parseEmailAddress(email);
  const user = address && (await app.get(UsersService).findByEmail(address));
  if (!user) throw new Error('There is no account with this address.');
  return user.id;
}
