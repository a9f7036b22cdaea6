import { Query } from 'pg';

interface SentQuery {
  text: string;
  name?: string;
}

/** A statement that has been sent to PostgreSQL. */
export interface SentStatement {
  text: string;
  /** Whether it is a prepared one. */
  prepared: boolean;
  /** Tells the connections apart. */
  connection: object;
}

/** Every statement that this process sends while something is done, whoever sends it, in order. */
export async function statementsDuring(work: () => PromiseLike<unknown>): Promise<SentStatement[]> {
  const statements: SentStatement[] = [];
  const prototype = Query.prototype as unknown as {
    submit: (this: SentQuery, connection: object) => Error | null;
  };
  const { submit } = prototype;
  prototype.submit = function (this: SentQuery, connection) {
    statements.push({ text: this.text.trim(), prepared: !!this.name, connection });
    return submit.call(this, connection);
  };
  try {
    await work();
    return statements;
  } finally {
    prototype.submit = submit;
  }
}

/** Those between the beginning of the only transaction and its end, both included. */
export function transactionIn(statements: readonly SentStatement[]): SentStatement[] {
  const begins = statements.filter(({ text }) => text.startsWith('START TRANSACTION'));
  expect(begins).toHaveLength(1);
  const { connection } = begins[0]!;
  const own = statements
    .slice(statements.indexOf(begins[0]!))
    .filter((each) => each.connection === connection);
  return own.slice(0, own.findIndex(({ text }) => /^(COMMIT|ROLLBACK)/.test(text)) + 1);
}
