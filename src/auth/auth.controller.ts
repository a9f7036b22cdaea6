import { Header, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { OverloadedError, RequestSource } from '../common';
import {
  ApiController,
  ApiProblems,
  Authenticated,
  CurrentAuthentication,
  JsonBody,
  Public,
  Responds,
  Source,
} from '../http';
import { LimitPerSource } from '../limits';
import { Auth } from './auth.decorator';
import { AccessTokenDto, LoginDto } from './auth.dto';
import { AuthService } from './auth.service';
import { InvalidCredentialsError } from './auth.errors';

@ApiTags('Sign-in')
@ApiController('api/auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Public()
  @Post('login')
  @LimitPerSource('login')
  @ApiOperation({ summary: 'Sign in' })
  @Responds(200, 'Signed in.', AccessTokenDto)
  @ApiProblems(new InvalidCredentialsError(), new OverloadedError(5))
  login(@JsonBody() { email, password }: LoginDto, @Source() source: RequestSource): Promise<AccessTokenDto> {
    return this.auth.login(email, password, source);
  }

  @Auth()
  @Post('logout')
  @ApiOperation({ summary: 'Sign out; the access token stops working at once' })
  // Not "cookies": browsers delete those of every host of the domain (W3C Clear Site Data, section 3.1).
  @Header('Clear-Site-Data', '"cache", "storage"')
  @Responds(204, 'Signed out.')
  logout(
    @CurrentAuthentication() { sessionId }: Authenticated,
    @Source() source: RequestSource,
  ): Promise<void> {
    return this.auth.logout(sessionId, source);
  }
}
