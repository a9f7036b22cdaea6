import { HttpException } from '@nestjs/common';

/** What is wrong with one input field: a stable code for programs, a sentence for people. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

export interface ApiErrorOptions {
  status: number;
  /** Stable, machine-readable name of the error, e.g. `RESET_TOKEN_EXPIRED`. */
  code: string;
  /** Helps the caller to correct the request; never repeats a secret (RFC 9457, section 3.1.4). */
  detail: string;
  errors?: FieldError[];
  headers?: Record<string, string>;
}

/** An expected failure. The problem filter turns it into `application/problem+json`. */
export class ApiError extends HttpException {
  readonly code: string;
  readonly detail: string;
  readonly errors?: FieldError[];
  readonly headers: Record<string, string>;

  constructor(options: ApiErrorOptions) {
    super(options.detail, options.status);
    this.code = options.code;
    this.detail = options.detail;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }
}

/** 400: the input does not have the documented form. Nothing has been done. */
export class ValidationFailedError extends ApiError {
  constructor(errors: FieldError[]) {
    super({
      status: 400,
      code: 'VALIDATION_FAILED',
      detail: 'Fields of the request are missing, invalid or unknown. Nothing has been done.',
      errors,
    });
  }
}

/** 401 for a route that needs a signed-in user. */
export class UnauthenticatedError extends ApiError {
  constructor() {
    super({
      status: 401,
      code: 'UNAUTHENTICATED',
      detail: 'Sign in first: send a valid access token as "Authorization: Bearer <token>".',
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  }
}

/** 503: too much work at the same time. The caller may try again. */
export class OverloadedError extends ApiError {
  constructor(retryAfterSeconds: number) {
    super({
      status: 503,
      code: 'OVERLOADED',
      detail: 'The server is busy. Nothing has been done; try again shortly.',
      headers: { 'Retry-After': String(retryAfterSeconds) },
    });
  }
}

/** 503: something that the server needs, such as its database, is unavailable. The request may have taken effect. */
export class UnavailableError extends ApiError {
  constructor(
    detail = 'The server cannot answer now. The request may or may not have taken effect; try again shortly.',
  ) {
    super({ status: 503, code: 'UNAVAILABLE', detail, headers: { 'Retry-After': '5' } });
  }
}
