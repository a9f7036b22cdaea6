import { CreateAccounts1763800000000 } from './1763800000000-create-accounts';
import { VerifyAddresses1764000000000 } from './1764000000000-verify-addresses';
import { ChangeAddresses1764000001000 } from './1764000001000-change-addresses';
import { DescribeSessions1764000002000 } from './1764000002000-describe-sessions';
import { CountAndAudit1764000003000 } from './1764000003000-count-and-audit';
import { FindEventsOfMails1764100000000 } from './1764100000000-find-events-of-mails';
import { FindUnverifiedAccounts1764200000000 } from './1764200000000-find-unverified-accounts';

/** In the order in which they run. One that has landed is never edited: add the next. */
export const migrations = [
  CreateAccounts1763800000000,
  VerifyAddresses1764000000000,
  ChangeAddresses1764000001000,
  DescribeSessions1764000002000,
  CountAndAudit1764000003000,
  FindEventsOfMails1764100000000,
  FindUnverifiedAccounts1764200000000,
];
