import { CreateAccounts1763800000000 } from './1763800000000-create-accounts';

/** In the order in which they run. One that has landed is never edited: add the next. */
export const migrations = [CreateAccounts1763800000000];
