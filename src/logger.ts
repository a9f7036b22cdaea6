import { LoggerService } from '@nestjs/common';
import pino, { Logger, LoggerOptions } from 'pino';

/** What waits to be printed while nobody reads it: some thousand lines. */
const CAPACITY_BYTES = 1024 * 1024;

/**
 * One line an event: JSON for machines in production, readable in development.
 * @param output file descriptor of the first
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
 * Prints beside the event loop, so that a reader who has stopped reading, such as a stuck collector, stops nobody else. What
 * waits for it has a bound; what is dropped then is counted, and told when somebody reads again.
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
 * Nest tells of every module and route at each start, and of one that fails with all its stack. That is for whoever
 * looks for a fault; the operator is told by `explainStartError`.
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

/** Lets Nest, and everything that logs through Nest's `Logger`, write to pino. */
export class PinoLogger implements LoggerService {
  constructor(private readonly pino: Logger) {}

  log(message: unknown, context?: string): void {
    if (context !== undefined && NEST_START.has(context)) return this.debug(message, context);
    // An event of its own form: its fields are what is searched for, not a sentence.
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
