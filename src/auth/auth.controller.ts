import { Body, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  ApiController,
  ApiProblem,
  Authenticated,
  CurrentAuthentication,
  NoStore,
  parseEmailAddress,
  Public,
} from '../common';
import { AccessTokenDto, LoginDto } from './auth.dto';
import { AuthGuard } from './auth.guard';
import { AuthService } from './auth.service';

@ApiTags('Sign-in')
@ApiController('api/auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Public()
  @Post('login')
  @HttpCode(200)
  @NoStore()
  @ApiOperation({ summary: 'Sign in' })
  @ApiOkResponse({ type: AccessTokenDto })
  @ApiProblem(400, 'The body is not of the documented form.', 'VALIDATION_FAILED')
  @ApiProblem(401, 'Wrong, for whatever cause.', 'INVALID_CREDENTIALS')
  @ApiProblem(503, 'Too many sign-ins at once; nothing has been done.', 'OVERLOADED')
  login(@Body() { email, password }: LoginDto): Promise<AccessTokenDto> {
    return this.auth.login(parseEmailAddress(email), password);
  }

  @UseGuards(AuthGuard)
  @Post('logout')
  @HttpCode(204)
  @NoStore()
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Sign out; the access token is dead at once' })
  @ApiNoContentResponse({ description: 'Done.' })
  @ApiProblem(401, 'No live access token.', 'UNAUTHENTICATED')
  logout(@CurrentAuthentication() { sessionId }: Authenticated): Promise<void> {
    return this.auth.logout(sessionId);
  }
}
