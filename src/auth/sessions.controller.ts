import { Delete, Get, NotFoundException, Param } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { OverloadedError, RequestSource, ValidationFailedError } from '../common';
import {
  ApiController,
  ApiProblems,
  Authenticated,
  CurrentAuthentication,
  JsonBody,
  Responds,
  Source,
} from '../http';
import { LimitPerSource } from '../limits';
import type { User } from '../users';
import { Auth } from './auth.decorator';
import { AuthService } from './auth.service';
import { EndSessionDto, SessionListDto } from './sessions.dto';
import { WrongPasswordError } from './auth.errors';

const PASSWORD_REQUIRED = {
  field: 'currentPassword',
  code: 'invalid',
  message: 'must be your current password, to end another session than this one',
};

@ApiTags('Sessions')
@ApiController('api/sessions')
@Auth()
export class SessionsController {
  constructor(private readonly auth: AuthService) {}

  @Get()
  @ApiOperation({ summary: 'Where you are signed in' })
  @Responds(200, 'The live sessions of the owner of the access token.', SessionListDto)
  async list(@CurrentAuthentication() { user, sessionId }: Authenticated<User>): Promise<SessionListDto> {
    return new SessionListDto(await this.auth.sessionsOf(user.id, sessionId));
  }

  @Delete(':id')
  @LimitPerSource('session-end')
  @ApiOperation({
    summary: 'End one of your sessions, another one by password; its access token stops working at once',
  })
  @ApiParam({ name: 'id', schema: { type: 'string', format: 'uuid' } })
  @Responds(204, 'The session has ended.')
  @ApiProblems(new ValidationFailedError([PASSWORD_REQUIRED]), new WrongPasswordError())
  @ApiProblems(new NotFoundException(), new OverloadedError(5))
  async end(
    @Param('id') id: string,
    @JsonBody() { currentPassword }: EndSessionDto,
    @CurrentAuthentication() current: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<void> {
    if (id === current.sessionId) return void (await this.auth.endSession(current.user.id, id, source));
    if (typeof currentPassword !== 'string') throw new ValidationFailedError([PASSWORD_REQUIRED]);
    if (!(await this.auth.endOtherSession(current, id, currentPassword, source)))
      throw new NotFoundException();
  }
}
