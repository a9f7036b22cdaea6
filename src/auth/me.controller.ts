import { Get, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  ApiController,
  ApiProblem,
  Authenticated,
  CurrentAuthentication,
  NoStore,
  UnauthenticatedError,
} from '../common';
import type { User } from '../users';
import { MeDto } from './auth.dto';
import { AuthGuard } from './auth.guard';

@ApiTags('Users')
@ApiController('api/users/me')
@UseGuards(AuthGuard)
export class MeController {
  @Get()
  @NoStore()
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Who is signed in' })
  @ApiOkResponse({ description: 'The owner of the access token.', type: MeDto })
  @ApiProblem('No live access token.', new UnauthenticatedError())
  me(@CurrentAuthentication() { user }: Authenticated<User>): MeDto {
    return new MeDto(user);
  }
}
