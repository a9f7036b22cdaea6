import { Controller, Get, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckResult, HealthCheckService, TypeOrmHealthIndicator } from '@nestjs/terminus';
import { ApiProblem, NoStore, ProblemFilter, Public } from './common';

const PING_TIMEOUT_MS = 1000;

/** For whoever supervises the process. */
@ApiTags('Health')
@Controller('health')
@UseFilters(ProblemFilter)
@Public()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: TypeOrmHealthIndicator,
  ) {}

  /** Whether the process runs. Does not look at the database: restarting us would not mend it. */
  @Get('live')
  @NoStore()
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse({
    schema: { properties: { status: { type: 'string', example: 'ok' } }, required: ['status'] },
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
    schema: { properties: { status: { type: 'string', example: 'ok' } }, required: ['status'] },
  })
  @ApiProblem(503, 'The database does not answer.', 'UNAVAILABLE')
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.database.pingCheck('database', { timeout: PING_TIMEOUT_MS })]);
  }
}
