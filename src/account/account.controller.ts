import { HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessTokenDto, AuthGuard, WrongPasswordError } from '../auth';
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
  PASSWORDS_DIFFER,
  RequestSource,
  Source,
  UnauthenticatedError,
  ValidationFailedError,
} from '../common';
import { LimiterUnavailableError, LimitPerSource, RateLimitedError } from '../limits';
import { PasswordRejectedError, User } from '../users';
import { ChangeEmailDto, ChangePasswordDto, EmailChangeAcceptedDto } from './account.dto';
import { EmailChangeService } from './email-change.service';
import { OwnAddressError } from './own-address.error';
import { PasswordChangeService } from './password-change.service';

/** Wrong passwords of one source are counted too, and for longer than requests. */
const TOO_MANY = ApiProblem(
  'Too many requests, or wrong passwords, from one address; nothing has been done.',
  new RateLimitedError(3600),
);

@ApiTags('Account')
@ApiController('api/users/me')
@UseGuards(AuthGuard)
@ApiBearerAuth()
@ApiProblem('No live access token, or one that died meanwhile.', new UnauthenticatedError())
@ApiProblem('The current password is wrong.', new WrongPasswordError())
@ApiProblem(
  'Too much at once, or no way to count it; nothing has been done.',
  new OverloadedError(5),
  new LimiterUnavailableError(),
)
export class AccountController {
  constructor(
    private readonly passwordChange: PasswordChangeService,
    private readonly emailChange: EmailChangeService,
  ) {}

  @Post('password')
  @LimitPerSource('password-change', TOO_MANY)
  @HttpCode(200)
  @NoStore()
  @ApiOperation({
    summary: 'Change the password; ends every session and mailed link, and begins a new session',
  })
  @ApiJsonBody(ChangePasswordDto, new ValidationFailedError([PASSWORDS_DIFFER]))
  @ApiOkResponse({
    description: 'Changed. From now on only this access token is good.',
    type: AccessTokenDto,
  })
  @ApiProblem(
    'The new password is refused, for these reasons.',
    new PasswordRejectedError([{ reason: 'too_short', message: 'Use at least 15 characters.' }]),
  )
  changePassword(
    @JsonBody() { currentPassword, password, passwordConfirmation }: ChangePasswordDto,
    @CurrentAuthentication() { user }: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<AccessTokenDto> {
    if (passwordConfirmation !== undefined && passwordConfirmation !== password)
      throw new ValidationFailedError([PASSWORDS_DIFFER]);
    return this.passwordChange.change(user, { currentPassword, password }, source);
  }

  @Post('email')
  @LimitPerSource('email-change', TOO_MANY)
  @HttpCode(202)
  @NoStore()
  @ApiOperation({
    summary: 'Ask for a change of address; the answer is the same whether or not the new one is taken',
  })
  @ApiJsonBody(ChangeEmailDto, new OwnAddressError())
  @ApiAcceptedResponse({
    description: 'Taken down. The old address stays good until the new one has confirmed.',
    type: EmailChangeAcceptedDto,
  })
  async changeEmail(
    @JsonBody() { email, currentPassword }: ChangeEmailDto,
    @CurrentAuthentication() { user }: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<EmailChangeAcceptedDto> {
    await this.emailChange.request(user, { email: parseEmailAddress(email)!, currentPassword }, source);
    return new EmailChangeAcceptedDto();
  }
}
