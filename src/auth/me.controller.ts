import { Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiController, Authenticated, CurrentAuthentication, Responds } from '../http';
import type { User } from '../users';
import { Auth } from './auth.decorator';
import { MeDto } from './auth.dto';

@ApiTags('Users')
@ApiController('api/users/me')
@Auth()
export class MeController {
  @Get()
  @ApiOperation({ summary: 'Who is signed in' })
  @Responds(200, 'The owner of the access token.', MeDto)
  me(@CurrentAuthentication() { user }: Authenticated<User>): MeDto {
    return new MeDto(user);
  }
}
