import { CreateAccounts1763800000000 } from './1763800000000-create-accounts';
import { VerifyAddresses1764000000000 } from './1764000000000-verify-addresses';
import { ChangeAddresses1764000001000 } from './1764000001000-change-addresses';
import { DescribeSessions1764000002000 } from './1764000002000-describe-sessions';
import { CountAndAudit1764000003000 } from './1764000003000-count-and-audit';
import { FindEventsOfMails1764100000000 } from './1764100000000-find-events-of-mails';
import { FindUnverifiedAccounts1764200000000 } from './1764200000000-find-unverified-accounts';
import { DiscountResets1764310000000 } from './1764310000000-discount-resets';
import { PaceMailboxes1764310001000 } from './1764310001000-pace-mailboxes';
import { HoldAddressChanges1764330000000 } from './1764330000000-hold-address-changes';
import { FindDueAddressChanges1764330001000 } from './1764330001000-find-due-address-changes';
import { ProtectAuditEvents1764360000000 } from './1764360000000-protect-audit-events';
import { UndoAddressChanges1764370000000 } from './1764370000000-undo-address-changes';
import { FindFormerAddresses1764370001000 } from './1764370001000-find-former-addresses';
import { CountInOrder1764384000000 } from './1764384000000-count-in-order';
import { QueueJobs1764390000000 } from './1764390000000-queue-jobs';

/** In the order in which they run. One that has landed is never edited: add the next. */
export const migrations = [
  CreateAccounts1763800000000,
  VerifyAddresses1764000000000,
  ChangeAddresses1764000001000,
  DescribeSessions1764000002000,
  CountAndAudit1764000003000,
  FindEventsOfMails1764100000000,
  FindUnverifiedAccounts1764200000000,
  DiscountResets1764310000000,
  PaceMailboxes1764310001000,
  HoldAddressChanges1764330000000,
  FindDueAddressChanges1764330001000,
  ProtectAuditEvents1764360000000,
  UndoAddressChanges1764370000000,
  FindFormerAddresses1764370001000,
  CountInOrder1764384000000,
  QueueJobs1764390000000,
];
