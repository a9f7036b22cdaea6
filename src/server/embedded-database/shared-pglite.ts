import { type ExecProtocolOptionsStream, PGlite, type PGliteOptions } from '@electric-sql/pglite';

const STARTUP = 0;
/** An ErrorResponse, as PostgreSQL answers what it cannot read. */
const PROTOCOL_VIOLATION = errorResponse('SFATAL\0C08P01\0Minvalid message\0\0');
/** PostgreSQL's own limit. */
const LONGEST_STARTUP = 10_000;
/** 3.0, as every driver says. */
const PROTOCOL_VERSION = 0x30000;
const EXTENDED_MESSAGES = new Set(Array.from('PBDECH', (type) => type.charCodeAt(0)));
const SYNC = Uint8Array.from([0x53, 0, 0, 0, 4]);

/**
 * PGlite for several clients of `PGLiteSocketServer`. PGlite is one session; the socket server lends it to one client at
 * a time for the length of a transaction, and this class mends what it overlooks
 * (https://github.com/electric-sql/pglite/issues/1046).
 */
export class SharedPGlite extends PGlite {
  private amidBatch = false;

  /** @param onFailure called when the engine itself breaks; it cannot be used any more */
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
    // PGlite reads on beyond the end of a message that says it is longer than it is, until all memory is used up.
    // An error thrown here would stop the socket server for everybody.
    if (!isWhole(message)) return options.onRawData(PROTOCOL_VIOLATION);
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

/** Whether a message is as long as it says, and a greeting one of the protocol's version 3 that names a user. */
function isWhole(message: Uint8Array): boolean {
  const isStartup = message[0] === STARTUP;
  const start = isStartup ? 0 : 1;
  if (message.length < start + (isStartup ? 8 : 4)) return false;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  if (view.getInt32(start) !== message.length - start) return false;
  if (!isStartup) return true;
  if (message.length > LONGEST_STARTUP) return false;
  const names = Buffer.from(message.subarray(8)).toString('latin1');
  return view.getInt32(4) === PROTOCOL_VERSION && /^(.*\0)?user\0[^\0]+\0.*\0$/s.test(names);
}

function errorResponse(fields: string): Uint8Array {
  const message = Buffer.from(`E\0\0\0\0${fields}`);
  message.writeInt32BE(message.length - 1, 1);
  return message;
}
