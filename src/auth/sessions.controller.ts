import { Delete, Get, HttpCode, NotFoundException, Param, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import {
  ApiController,
  ApiProblem,
  Authenticated,
  CurrentAuthentication,
  NoStore,
  RequestSource,
  Source,
  UnauthenticatedError,
} from '../common';
import type { User } from '../users';
import { AuthGuard } from './auth.guard';
import { AuthService } from './auth.service';
import { SessionListDto } from './sessions.dto';

@ApiTags('Sessions')
@ApiController('api/sessions')
@UseGuards(AuthGuard)
@ApiBearerAuth()
@ApiProblem('No live access token.', new UnauthenticatedError())
export class SessionsController {
  constructor(private readonly auth: AuthService) {}

  @Get()
  @NoStore()
  @ApiOperation({ summary: 'Where you are signed in' })
  @ApiOkResponse({ description: 'The live sessions of the owner of the access token.', type: SessionListDto })
  async list(@CurrentAuthentication() { user, sessionId }: Authenticated<User>): Promise<SessionListDto> {
    return new SessionListDto(await this.auth.sessionsOf(user.id, sessionId));
  }

  @Delete(':id')
  @HttpCode(204)
  @NoStore()
  @ApiOperation({ summary: 'End one of your sessions, this one too; its access token is dead at once' })
  @ApiParam({ name: 'id', schema: { type: 'string', format: 'uuid' } })
  @ApiNoContentResponse({ description: 'Done.' })
  @ApiProblem('No session of yours has this id, whoever else may have one.', new NotFoundException())
  async end(
    @Param('id') id: string,
    @CurrentAuthentication() { user }: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<void> {
    if (!(await this.auth.endSession(user.id, id, source))) throw new NotFoundException();
  }
}
