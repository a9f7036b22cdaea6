import { PROMPT_RETRIES, QueueDefinition } from '../jobs';

export interface ResetRequest {
  /** The address that was typed. */
  emailKey: string;
}

/** "Somebody has requested a reset for this address." Retried for an hour; after that nobody waits for the mail. */
export const passwordResetQueue: QueueDefinition<ResetRequest> = {
  name: 'password-reset',
  ...PROMPT_RETRIES,
  concurrency: 20,
};
