import type { Type } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Authenticated, AuthenticatedRequest } from '../http';
import type { User } from '../users';
import type { FormRefusal } from './form-refusal';
import type { Answer } from './page';

/** A request that has passed the page guard: it knows who is signed in, by the session cookie alone. */
export type PageRequest = FastifyRequest &
  AuthenticatedRequest<User> & {
    /** The controller of the page. */
    page?: Type<FormPage>;
    /** Why the form was refused; its page is shown again. */
    refusal?: FormRefusal;
  };

/** A request for a page that only people who are signed in get. */
export type SignedInRequest = PageRequest & { authenticated: Authenticated<User> };

/** A controller whose form can be shown again. */
export interface FormPage {
  /** @param parameter the one in the path, if there is one */
  form(request: PageRequest, parameter: string): Answer | Promise<Answer>;
}
