import type { FieldError, Translate } from '../common';
import type { FlashMessage } from './flash';

/** What each page shows, by the name of its template in `views/pages`. A page with wrong or missing data does not compile. */
export interface PageData {
  index: {
    /** Shown only to people who are in fact signed out: anybody can write the address that requests it. */
    justSignedOut?: boolean;
    /** See `Continuation`. */
    continuation?: string;
  };
  login: {
    /** The login takes the place of a page whose session has ended. */
    isSessionOver: boolean;
  };
  register: object;
  'verify-email': { username: string; email: string; maskedEmail: string; requestedAt: Date };
  'reset-password-request': object;
  'reset-password': {
    /** For password managers, which store passwords by it. */
    email: string;
  };
  account: { sessions: SessionRow[] };
  'end-session': { session: SessionRow };
  'change-password': object;
  'change-email': object;
  'confirm-email': {
    email: string;
    /** Nobody is signed in to the account that gets the address. */
    needsPassword: boolean;
    /** When a confirmed change that waits takes effect. */
    effectiveAt: Date | undefined;
  };
  'cancel-email': { email: string };
  'not-me': {
    /** How long no new link will be sent; 0 if they may be sent at once. */
    quietMinutes: number;
  };
  error: {
    status: number;
    /** Which of the texts under `errors` is shown. */
    text: number | 'address';
    requestId: string;
  };
}

export type PageName = keyof PageData;

/** A session, as its owner recognizes it. */
export interface SessionRow {
  id: string;
  current: boolean;
  browser: string | undefined;
  ip: string | null;
  createdAt: Date;
  lastSeenAt: Date;
}

/** What every page may show beside its own data. */
export interface PageFrame {
  lang: string;
  t: Translate;
  toMinute: (time: Date) => string;
  appName: string;
  publicUrl: string;
  /** Of a new password. */
  minLength: number;
  /** Who is signed in. */
  user?: { username: string; email: string };
  csrf?: string;
  flash?: FlashMessage;
  /** Of a form that is shown again: what concerns it as a whole, as the name of a text under `problems`. */
  problem?: string;
  /** Of a form that is shown again: what is wrong with its fields. */
  errors: FieldError[];
  /** Of a form that is shown again: what was typed. Never a password. */
  typed: { email?: string; username?: string };
}
