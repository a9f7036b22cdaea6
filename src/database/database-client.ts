import { Client, ClientConfig } from 'pg';

/** Read-only (25006), shutting down, crashed or starting (57P01 to 57P03), connection exceptions (08). */
const CANNOT_SERVE = /^(25006|57P0[123]|08...)$/;

/** A connection that can serve no longer is closed: the pool would give it to the next query, which fails as well. */
export class DatabaseClient extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...parameters: unknown[]) => Promise<unknown>;
    this.query = (...parameters: unknown[]) => {
      const result = query(...parameters);
      if (result instanceof Promise) result.catch((error: Error) => this.closeAfter(error));
      return result as never;
    };
  }

  /**
   * What the session begins with; the driver asks for it. It reads dates in ISO form only, and takes any other for no date,
   * whatever the database or the role has as its default. Poolers know DateStyle and pass it on; of timeouts most do not.
   */
  protected getStartupConf(): Record<string, string> {
    const { getStartupConf } = Client.prototype as unknown as Record<string, () => Record<string, string>>;
    return { ...getStartupConf!.call(this), DateStyle: 'ISO' };
  }

  private closeAfter({ message, code = '' }: Error & { code?: string }): void {
    if (message === 'Query read timeout' || CANNOT_SERVE.test(code)) this.connection.stream.destroy();
  }
}
