import type { FastifyReply } from 'fastify';
import { ApiError } from '../common';
import type { FlashName } from './flash';
import type { Pages } from './pages';

/** Where people go who have opened a dead link, and what they are told there, by the code of the error. */
export interface DeadLinks {
  path: `/${string}`;
  reasons: Record<string, FlashName>;
}

export const DEAD_RESET_LINKS: DeadLinks = {
  path: '/reset_password_request',
  reasons: {
    RESET_TOKEN_EXPIRED: 'linkExpired',
    RESET_TOKEN_USED: 'linkUsed',
    RESET_TOKEN_INVALID: 'linkInvalid',
  },
};

export const DEAD_REGISTRATION_LINKS: DeadLinks = {
  path: '/register',
  reasons: {
    LINK_EXPIRED: 'registrationLinkExpired',
    LINK_USED: 'registrationLinkUsed',
    LINK_INVALID: 'registrationLinkInvalid',
  },
};

export const DEAD_ACTION_LINKS: DeadLinks = {
  // Whoever is signed in goes on from there to the index, and is told there.
  path: '/login',
  reasons: {
    LINK_EXPIRED: 'actionLinkExpired',
    LINK_USED: 'actionLinkUsed',
    LINK_INVALID: 'actionLinkInvalid',
  },
};

/** Does something with a link; where the link is dead, says why on the page that goes with it. */
export async function unlessDead(
  { path, reasons }: DeadLinks,
  pages: Pages,
  reply: FastifyReply,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = error instanceof ApiError ? reasons[error.code] : undefined;
    if (!reason) throw error;
    pages.redirect(reply, path, reason);
  }
}
