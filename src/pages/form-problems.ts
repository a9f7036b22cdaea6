import type { FastifyReply } from 'fastify';
import { OwnAddressError } from '../account';
import { WrongPasswordError } from '../auth';
import { OverloadedError } from '../common';
import { WrongRegistrationPasswordError } from '../registration';
import { PasswordRejectedError } from '../users';
import type { FormProblems } from './page-data';
import { setRetryAfter } from './page-headers';

/**
 * What a form shows of an error that its sender can do something about.
 * @throws the error itself, where it is another
 */
export function readProblems(
  error: unknown,
  reply: FastifyReply,
): { problems: FormProblems; status: number } {
  if (error instanceof WrongPasswordError) return { problems: { currentPassword: true }, status: 403 };
  if (error instanceof WrongRegistrationPasswordError)
    return { problems: { registrationPassword: true }, status: 403 };
  if (error instanceof OwnAddressError) return { problems: { ownAddress: true }, status: 400 };
  if (error instanceof PasswordRejectedError) return { problems: { reasons: error.errors }, status: 422 };
  if (!(error instanceof OverloadedError)) throw error;
  setRetryAfter(reply, error);
  return { problems: { overloaded: true }, status: 503 };
}
