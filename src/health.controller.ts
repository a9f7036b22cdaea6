import { Controller, Get, ServiceUnavailableException, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckResult, HealthCheckService, TypeOrmHealthIndicator } from '@nestjs/terminus';
import { ApiProblem, NoStore, ProblemFilter, Public, UnavailableError } from './common';
import { Draining } from './draining';

const PING_TIMEOUT_MS = 1000;

const STATUS = { type: 'string', example: 'ok' };
const PARTS = { type: 'object', example: { database: { status: 'up' }, process: { status: 'up' } } };

/** For whoever supervises the process. */
@ApiTags('Health')
@Controller('health')
@UseFilters(ProblemFilter)
@Public()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: TypeOrmHealthIndicator,
    private readonly draining: Draining,
  ) {}

  /** Whether the process runs. Does not look at the database: restarting us would not mend it. */
  @Get('live')
  @NoStore()
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse({
    description: 'It does.',
    schema: { type: 'object', properties: { status: STATUS }, required: ['status'] },
  })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** Whether requests can be served now. */
  @Get('ready')
  @NoStore()
  @HealthCheck({ noCache: false, swaggerDocumentation: false })
  @ApiOperation({ summary: 'Requests can be served' })
  @ApiOkResponse({
    description: 'They can.',
    schema: {
      type: 'object',
      properties: { status: STATUS, info: PARTS, error: PARTS, details: PARTS },
      required: ['status'],
    },
  })
  @ApiProblem('The database does not answer, or the process is about to end.', new UnavailableError())
  ready(): Promise<HealthCheckResult> {
    return this.health
      .check([
        () => this.draining.check(),
        () => this.database.pingCheck('database', { timeout: PING_TIMEOUT_MS }),
      ])
      .catch(asExpected);
  }
}

/** "Not ready" is an answer, not an error for the log: whoever asks does so every few seconds. */
function asExpected(error: unknown): never {
  throw error instanceof ServiceUnavailableException ? new UnavailableError() : error;
}
