import type { INestApplicationContext } from '@nestjs/common';
import { parseEmailAddress } from './common';
import { UsersService } from './users';

/** For trying things out, with the embedded database only. */
export const DEMO_EMAIL = 'demo@example.com';
const DEMO_PASSWORD = 'let me in to latchkey';

/** Makes the demo account on the first start. */
export async function makeDemoAccount(app: INestApplicationContext): Promise<void> {
  const email = parseEmailAddress(DEMO_EMAIL)!;
  const users = app.get(UsersService);
  if (await users.findByEmail(email)) return;
  await users.create({ email, username: 'Susan', password: DEMO_PASSWORD });
}

export function describeDemoAccount(firstStart: boolean): string {
  return firstStart
    ? `${DEMO_EMAIL}, password "${DEMO_PASSWORD}"`
    : `${DEMO_EMAIL} (made at the first start)`;
}
