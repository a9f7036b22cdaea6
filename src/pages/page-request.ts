import type { FastifyRequest } from 'fastify';
import type { Authenticated, AuthenticatedRequest } from '../common';
import type { User } from '../users';

/** A request that has passed the page guard: it knows who is signed in, by the session cookie alone. */
export type PageRequest = FastifyRequest & AuthenticatedRequest<User>;

/** A request that has passed {@link SignedInOnly} too. */
export type SignedInRequest = PageRequest & { authenticated: Authenticated<User> };
