import { PROMPT_RETRIES, QueueDefinition } from '../jobs';

export interface RegistrationRequested {
  registrationId: string;
}

/** "Somebody has typed this address." Retried for an hour; after that nobody waits for the mail. */
export const registrationQueue: QueueDefinition<RegistrationRequested> = {
  name: 'registration',
  ...PROMPT_RETRIES,
  concurrency: 20,
};
