import { Controller, Get, Query, Req, ServiceUnavailableException, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { UnavailableError } from '../common';
import { ApiProblems, NoStore, ProblemFilter, Public } from '../http';
import { DatabaseReadiness } from './database-readiness';
import { Draining } from './draining';
import { MailRoad, MailRoadState } from '../mail';
import { isFromInside } from './own-network';

const NOT_READY =
  'The database does not answer or cannot be written, or the process is about to end. Try again shortly.';
const STATUS = { type: 'string', example: 'ok' };
const PARTS = { type: 'object', example: { database: { status: 'up' }, process: { status: 'up' } } };

interface Readiness extends Omit<HealthCheckResult, 'details'> {
  details: HealthCheckResult['details'] & { mail?: MailRoadState };
}

/** For load balancers and orchestrators that supervise the process. */
@ApiTags('Health')
@Controller('health')
@UseFilters(ProblemFilter)
@Public()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: DatabaseReadiness,
    private readonly draining: Draining,
    private readonly mailRoad: MailRoad,
  ) {}

  /** Whether the process runs. Does not check the database: a restart would not repair it. */
  @Get('live')
  @NoStore()
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse({
    description: 'The process runs.',
    schema: { type: 'object', properties: { status: STATUS }, required: ['status'] },
  })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /**
   * Whether requests can be served now. Whether mails are sent is a detail: they wait, and a server that is taken out of
   * rotation sends none either.
   */
  @Get('ready')
  @NoStore()
  @HealthCheck({ noCache: false, swaggerDocumentation: false })
  @ApiOperation({ summary: 'Requests can be served' })
  @ApiQuery({
    name: 'verbose',
    required: false,
    description: 'Adds whether mails are sent; only for callers in the same network, not through a proxy.',
    schema: { type: 'string' },
    allowEmptyValue: true,
  })
  @ApiOkResponse({
    description: 'Requests can be served.',
    schema: {
      type: 'object',
      properties: { status: STATUS, info: PARTS, error: PARTS, details: PARTS },
      required: ['status'],
    },
  })
  @ApiProblems(new UnavailableError(NOT_READY))
  async ready(@Req() request: object, @Query('verbose') verbose?: unknown): Promise<Readiness> {
    const result = await this.health
      .check([() => this.draining.check(), () => this.database.check()])
      .catch(asExpected);
    if (verbose === undefined || !isFromInside(request)) return result;
    return { ...result, details: { ...result.details, mail: this.mailRoad.state } };
  }
}

/** "Not ready" is a response, not an error for the log: it is requested every few seconds. */
function asExpected(error: unknown): never {
  throw error instanceof ServiceUnavailableException ? new UnavailableError(NOT_READY) : error;
}
