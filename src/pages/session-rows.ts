import type { AuthService } from '../auth';
import type { Authenticated } from '../http';
import type { User } from '../users';
import { browserName } from './browser-name';
import type { SessionRow } from './page-data';

/** @returns the live sessions of the user who is signed in, latest first */
export async function sessionRows(
  auth: AuthService,
  { user, sessionId }: Authenticated<User>,
): Promise<SessionRow[]> {
  const views = await auth.sessionsOf(user.id, sessionId);
  return views.map(({ userAgent, ...view }) => ({ ...view, browser: browserName(userAgent) }));
}
