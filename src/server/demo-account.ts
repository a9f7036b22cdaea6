import type { INestApplicationContext } from '@nestjs/common';
import { parseEmailAddress } from '../common';
import { UsersService } from '../users';

/** For trying things out; with the embedded database only. */
const DEMO_EMAIL = 'demo@example.com';
const DEMO_PASSWORD = 'let me in to latchkey';

/** Creates the demo account if it is missing. @returns its line in the welcome message */
export async function createDemoAccount(app: INestApplicationContext): Promise<string> {
  const email = parseEmailAddress(DEMO_EMAIL)!;
  const users = app.get(UsersService);
  if (await users.findByEmail(email)) return `${DEMO_EMAIL} (created at the first start)`;
  await users.create({ email, username: 'Susan', password: DEMO_PASSWORD });
  return `${DEMO_EMAIL}, password "${DEMO_PASSWORD}"`;
}
