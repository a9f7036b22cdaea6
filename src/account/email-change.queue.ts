import { PROMPT_RETRIES, QueueDefinition } from '../jobs';

/** "Somebody has requested a change of address." */
export const emailChangeQueue: QueueDefinition<{ changeId: string }> = {
  name: 'email-change',
  ...PROMPT_RETRIES,
  concurrency: 5,
};
