import type { FieldError, Translate } from '../common';
import type { FlashMessage } from './flash';

/** What each page shows, by the name of its template in `views/pages`. */
export interface PageData {
  index: {
    username?: string;
    /** Said only to those who are in fact signed out: anybody can write the address that asks for it. */
    justSignedOut: boolean;
  };
  login: { email: string; problem?: 'failed' | 'overloaded' };
  'reset-password-request': { email: string; problem?: 'email' };
  'reset-password': {
    minLength: number;
    problems: FormProblems;
  };
  register: {
    email: string;
    username: string;
    minLength: number;
    problems: FormProblems;
  };
  'verify-email': { username: string; email: string; requestedAt: Date; problems: FormProblems };
  account: { username: string; email: string; sessions: SessionRow[] };
  'change-password': {
    /** For password managers, which store passwords by it. */
    email: string;
    minLength: number;
    problems: FormProblems;
  };
  'change-email': { email: string; problems: FormProblems };
  'confirm-email': { email: string };
  'cancel-email': { email: string };
  'not-me': {
    /** How long no new link will be sent; 0 where they go on at once. */
    quietMinutes: number;
  };
  error: {
    status: number;
    /** Which of the texts under `errors` is shown. */
    text: number;
    requestId: string;
  };
}

export type PageName = keyof PageData;

/** What is wrong with what was typed into a form, and shown at its fields. */
export interface FormProblems {
  email?: boolean;
  /** The new address is the one that the account has already. */
  ownAddress?: boolean;
  username?: boolean;
  currentPassword?: boolean;
  /** Not the password that was chosen with the registration that is to be confirmed. */
  registrationPassword?: boolean;
  /** Why the new password was refused. */
  reasons?: FieldError[];
  /** The new password was typed in two ways. */
  mismatch?: boolean;
  /** Nothing is wrong; the server is busy. */
  overloaded?: boolean;
}

/** A session as its owner recognizes it. */
export interface SessionRow {
  id: string;
  current: boolean;
  browser: string | undefined;
  ip: string | null;
  createdAt: Date;
  lastSeenAt: Date;
}

/** What every page shows around its own content. */
export interface PageFrame {
  lang: string;
  t: Translate;
  appName: string;
  signedIn: boolean;
  csrf?: string;
  flash?: FlashMessage;
}
