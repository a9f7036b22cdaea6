import { ForbiddenException } from '@nestjs/common';
import { ApiError, FieldError } from '../common';

/** Why a form is shown again instead of being carried out. */
export interface FormRefusal {
  status: number;
  /** What concerns the form as a whole; names a text under `problems`. */
  problem?: string;
  errors: FieldError[];
}

/** 403: a form of ours, as far as the browser says, but its anti-forgery token is out of date. */
export class StaleFormError extends ForbiddenException {}

/** 403: the page of the form was opened under another address of this server than the one it is for. */
export class WrongAddressError extends ForbiddenException {}

/** Texts of errors that concern a form as a whole, by their code. */
const PROBLEMS: Partial<Record<string, string>> = {
  OVERLOADED: 'overloaded',
  INVALID_CREDENTIALS: 'credentials',
};

/** @returns `undefined` for an error that the sender of the form can do nothing about */
export function refusalOf(error: unknown): FormRefusal | undefined {
  if (error instanceof StaleFormError) return { status: 403, problem: 'formStale', errors: [] };
  if (!(error instanceof ApiError)) return undefined;
  const { code, errors = [] } = error;
  const problem = PROBLEMS[code];
  return problem || errors.length > 0 ? { status: statusOf(error), problem, errors } : undefined;
}

function statusOf(error: ApiError): number {
  // 401 would have to say how to sign in instead (RFC 9110, section 15.5.2).
  if (error.code === 'PASSWORD_REQUIRED') return 403;
  return error.errors?.every(({ code }) => code === 'mismatch') ? 422 : error.getStatus();
}
