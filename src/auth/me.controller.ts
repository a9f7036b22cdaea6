import { Get, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiController, ApiProblem, Authenticated, CurrentAuthentication, NoStore } from '../common';
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
  @ApiOkResponse({ type: MeDto })
  @ApiProblem(401, 'No live access token.', 'UNAUTHENTICATED')
  me(@CurrentAuthentication() { user }: Authenticated<User>): MeDto {
    return new MeDto(user);
  }
}
