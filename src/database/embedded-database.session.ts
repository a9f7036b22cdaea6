import { type ExecProtocolOptionsStream, PGlite, type PGliteOptions } from '@electric-sql/pglite';

const STARTUP = 0;
const EXTENDED_MESSAGES = new Set(Array.from('PBDECH', (type) => type.charCodeAt(0)));
const SYNC = Uint8Array.from([0x53, 0, 0, 0, 4]);

/**
 * PGlite for several clients of `PGLiteSocketServer`. PGlite is one session; the socket server lends it to one client at
 * a time for the length of a transaction, and this class mends what it overlooks
 * (https://github.com/electric-sql/pglite/issues/1046).
 */
export class SharedPGlite extends PGlite {
  private amidBatch = false;

  /** @param onFailure told when the engine itself breaks; nothing can be asked of it any more */
  constructor(
    private readonly onFailure: (error: unknown) => void,
    options: PGliteOptions,
  ) {
    super(options);
  }

  /**
   * The socket server asks this to learn whether the session must stay with its client. Between the first message of a
   * parameterized query and its Sync it must as well, or another client's Parse replaces the statement about to run.
   */
  override isInTransaction(): boolean {
    return this.amidBatch || super.isInTransaction();
  }

  /** The socket server's only road for what clients send, message by message. */
  override async execProtocolRawStream(
    message: Uint8Array,
    options: ExecProtocolOptionsStream,
  ): Promise<void> {
    const type = message[0] as number;
    try {
      await super.execProtocolRawStream(message, options);
    } catch (error) {
      // A greeting PostgreSQL does not understand harms nobody but its sender.
      if (type !== STARTUP) this.onFailure(error);
    }
    this.amidBatch = EXTENDED_MESSAGES.has(type);
  }

  /** The socket server's road for rolling back what a lost client left open. */
  override async exec(query: string) {
    // After an error PostgreSQL ignores everything up to a Sync that the lost client can no longer send.
    await this.execProtocolStream(SYNC, { syncToFs: false });
    this.amidBatch = false;
    return super.exec(query);
  }
}
