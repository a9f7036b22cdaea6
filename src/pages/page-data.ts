import type { FieldError, Translate } from '../common';
import type { FlashMessage } from './flash';

/** What each page shows, by the name of its template in `views/pages`. */
export interface PageData {
  index: { username?: string };
  login: { email: string; problem?: 'failed' | 'overloaded' };
  'reset-password-request': { email: string; problem?: 'email' };
  'reset-password': {
    minLength: number;
    problem?: 'mismatch' | 'overloaded';
    /** Why the password was refused. */
    reasons?: FieldError[];
  };
  error: {
    status: number;
    /** Which of the texts under `errors` is shown. */
    text: number;
    requestId: string;
  };
}

export type PageName = keyof PageData;

/** What every page shows around its own content. */
export interface PageFrame {
  lang: string;
  t: Translate;
  appName: string;
  csrf?: string;
  flash?: FlashMessage;
}
