import { LoggerService } from '@nestjs/common';
import pino, { Logger, LoggerOptions } from 'pino';

/** Lines kept while nobody reads the output: some thousands. */
const CAPACITY_BYTES = 1024 * 1024;

/**
 * One line per event: JSON in production, readable text in development.
 * @param output file descriptor for production
 */
export function createPino(level: string, production: boolean, output = 1): Logger {
  const options = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (production) return createBoundedPino(options, output);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- only development pays for loading it
  const pretty = require('pino-pretty') as typeof import('pino-pretty');
  return pino(
    options,
    pretty({
      sync: true,
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'context',
      messageFormat: '{context} {msg}',
    }),
  );
}

/**
 * Prints without blocking the event loop, so that a reader that has stopped reading, such as a stuck log collector, does not
 * stop the server. The lines that wait for it are bounded; dropped lines are counted, and reported once it reads again.
 */
function createBoundedPino(options: LoggerOptions, fd: number): Logger {
  const output = pino.destination({ dest: fd, sync: false, maxLength: CAPACITY_BYTES });
  const log = pino(options, output);
  let dropped = 0;
  output.on('drop', () => dropped++);
  output.on('drain', () => {
    if (dropped > 0) log.error({ context: 'Log', lines: dropped }, 'nobody read the log: lines were dropped');
    dropped = 0;
  });
  return log;
}

/**
 * Nest logs every module and route at each start, and a failed start with its whole stack. That is for debugging; operators
 * get `explainStartError`.
 */
const NEST_START = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'ExceptionHandler',
  'TypeOrmModule',
]);

/** Writes what Nest, and everything that uses Nest's `Logger`, logs to pino. */
export class PinoLogger implements LoggerService {
  constructor(private readonly pino: Logger) {}

  log(message: unknown, context?: string): void {
    if (context !== undefined && NEST_START.has(context)) return this.debug(message, context);
    // A structured event: its fields are what people search for.
    if (typeof message === 'object' && message !== null) this.pino.info({ context, ...message });
    else this.pino.info({ context }, String(message));
  }

  error(message: unknown, ...details: unknown[]): void {
    // Nest calls it with (message, stack, context) or (message, context).
    const context = details.at(-1);
    const stack = details.length > 1 ? details[0] : undefined;
    const level = NEST_START.has(String(context)) ? 'debug' : 'error';
    this.pino[level]({ context, stack }, String(message));
  }

  warn(message: unknown, context?: string): void {
    this.pino.warn({ context }, String(message));
  }

  debug(message: unknown, context?: string): void {
    this.pino.debug({ context }, String(message));
  }

  verbose(message: unknown, context?: string): void {
    this.pino.trace({ context }, String(message));
  }
}
