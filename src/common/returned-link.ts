import { LinkExpiredError, LinkInvalidError } from './link-errors';
import type { ReadToken, SignedTokens } from './signed-tokens';

/** A mailed link that has come back: what it is about, whether or not its time is over. */
export interface ReturnedLink<Row> {
  row: Row;
  expired: boolean;
}

/** What a dead link is answered with; each kind of link may have codes of its own. */
export interface DeadLinkErrors {
  invalid: () => Error;
  expired: () => Error;
}

const USUAL: DeadLinkErrors = {
  invalid: () => new LinkInvalidError(),
  expired: () => new LinkExpiredError(),
};

/**
 * Finds what a mailed link is about. A dead one is found too, so that it can be told whose it was; what is `expired` must
 * open nothing.
 * @throws LinkInvalidError for a token that is none of ours; this, or LinkExpiredError, where there is no such row; or the
 *   `errors` in their place
 */
export async function findReturnedLink<Row>(
  tokens: SignedTokens,
  purpose: string,
  token: string,
  findById: (id: string) => Promise<Row | undefined>,
  errors = USUAL,
): Promise<ReturnedLink<Row>> {
  let read: ReadToken;
  try {
    read = tokens.read(purpose, token);
  } catch {
    throw errors.invalid();
  }
  const { id, expired } = read;
  const row = await findById(id);
  if (row) return { row, expired };
  throw expired ? errors.expired() : errors.invalid();
}
