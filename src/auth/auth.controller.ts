import { Header, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  ApiController,
  ApiJsonBody,
  ApiProblem,
  Authenticated,
  CurrentAuthentication,
  JsonBody,
  NoStore,
  OverloadedError,
  parseEmailAddress,
  Public,
  RequestSource,
  Source,
  UnauthenticatedError,
  ValidationFailedError,
} from '../common';
import { LimiterUnavailableError, LimitPerSource } from '../limits';
import { AccessTokenDto, LoginDto } from './auth.dto';
import { AuthGuard } from './auth.guard';
import { AuthService } from './auth.service';
import { InvalidCredentialsError } from './invalid-credentials.error';

@ApiTags('Sign-in')
@ApiController('api/auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Public()
  @Post('login')
  @LimitPerSource('login')
  @HttpCode(200)
  @NoStore()
  @ApiOperation({ summary: 'Sign in' })
  @ApiJsonBody(
    LoginDto,
    new ValidationFailedError([{ field: 'email', code: 'invalid', message: 'must be one e-mail address' }]),
  )
  @ApiOkResponse({ description: 'Signed in.', type: AccessTokenDto })
  @ApiProblem('Wrong, for whatever cause.', new InvalidCredentialsError())
  @ApiProblem(
    'Too many sign-ins at once, or no way to count them; nothing has been done.',
    new OverloadedError(5),
    new LimiterUnavailableError(),
  )
  login(@JsonBody() { email, password }: LoginDto, @Source() source: RequestSource): Promise<AccessTokenDto> {
    return this.auth.login(parseEmailAddress(email), password, source);
  }

  @UseGuards(AuthGuard)
  @Post('logout')
  @HttpCode(204)
  @NoStore()
  @Header('Clear-Site-Data', '"cache", "cookies", "storage"')
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Sign out; the access token is dead at once' })
  @ApiNoContentResponse({ description: 'Done.' })
  @ApiProblem('No live access token.', new UnauthenticatedError())
  logout(
    @CurrentAuthentication() { sessionId }: Authenticated,
    @Source() source: RequestSource,
  ): Promise<void> {
    return this.auth.logout(sessionId, source);
  }
}
