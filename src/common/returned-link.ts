import { LinkExpiredError, LinkInvalidError } from './link-errors';
import type { ReadToken, SignedTokens } from './signed-tokens';

/** A mailed link that has come back: what it is about, whether or not its time is over. */
export interface ReturnedLink<Row> {
  row: Row;
  expired: boolean;
}

/**
 * Finds what a mailed link is about. A dead one is found too, so that it can be told whose it was; what is `expired` must
 * open nothing.
 * @throws LinkInvalidError for a token that is none of ours; this, or LinkExpiredError, where there is no such row
 */
export async function findReturnedLink<Row>(
  tokens: SignedTokens,
  purpose: string,
  token: string,
  findById: (id: string) => Promise<Row | undefined>,
): Promise<ReturnedLink<Row>> {
  const { id, expired } = read(tokens, purpose, token);
  const row = await findById(id);
  if (row) return { row, expired };
  throw expired ? new LinkExpiredError() : new LinkInvalidError();
}

function read(tokens: SignedTokens, purpose: string, token: string): ReadToken {
  try {
    return tokens.read(purpose, token);
  } catch {
    throw new LinkInvalidError();
  }
}
