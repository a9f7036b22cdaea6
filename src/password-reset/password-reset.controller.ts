import { HttpCode, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import {
  ApiController,
  ApiJsonBody,
  ApiProblem,
  JsonBody,
  LinkExpiredError,
  LinkInvalidError,
  NoStore,
  OverloadedError,
  parseEmailAddress,
  PASSWORDS_DIFFER,
  Public,
  RequestSource,
  Source,
  ValidationFailedError,
} from '../common';
import { LimiterUnavailableError, LimitPerSource } from '../limits';
import { PasswordRejectedError } from '../users';
import {
  ConfirmPasswordResetDto,
  DisavowDto,
  RequestAcceptedDto,
  RequestPasswordResetDto,
  ResetTokenDto,
  VerifyResetTokenDto,
} from './password-reset.dto';
import { ResetTokenExpiredError, ResetTokenInvalidError, ResetTokenUsedError } from './password-reset.errors';
import { PasswordResetService } from './password-reset.service';

const UNREADABLE_TOKEN = {
  field: 'token',
  code: 'invalid',
  message: 'must be one string of well-formed Unicode without NUL',
};

@ApiTags('Password reset')
@ApiController('api/password-reset')
@Public()
export class PasswordResetController {
  constructor(private readonly passwordReset: PasswordResetService) {}

  @Post()
  @LimitPerSource('password-reset')
  @HttpCode(202)
  @NoStore()
  @ApiOperation({
    summary: 'Ask for a link by mail; the answer is the same whether or not there is an account',
  })
  @ApiJsonBody(
    RequestPasswordResetDto,
    new ValidationFailedError([{ field: 'email', code: 'invalid', message: 'must be one e-mail address' }]),
  )
  @ApiAcceptedResponse({
    description: 'Taken down, for every well-formed address alike.',
    type: RequestAcceptedDto,
  })
  @ApiProblem('There is no way to count requests; nothing has been done.', new LimiterUnavailableError())
  async request(
    @JsonBody() { email }: RequestPasswordResetDto,
    @Source() source: RequestSource,
  ): Promise<RequestAcceptedDto> {
    await this.passwordReset.request(parseEmailAddress(email)!, source);
    return new RequestAcceptedDto();
  }

  @Post('verify')
  @LimitPerSource('password-reset-verify')
  @HttpCode(200)
  @NoStore()
  @ApiOperation({ summary: 'Look whether a link is still good; spends nothing' })
  @ApiJsonBody(
    VerifyResetTokenDto,
    new ValidationFailedError([UNREADABLE_TOKEN]),
    new ResetTokenInvalidError(),
  )
  @ApiOkResponse({ description: 'It is.', type: ResetTokenDto })
  @ApiProblem('A genuine token that is dead.', new ResetTokenExpiredError(), new ResetTokenUsedError())
  @ApiProblem('There is no way to count requests; nothing has been done.', new LimiterUnavailableError())
  async verify(
    @JsonBody() { token }: VerifyResetTokenDto,
    @Source() source: RequestSource,
  ): Promise<ResetTokenDto> {
    const { expiresAt } = await this.passwordReset.verify(token, source);
    return { expiresAt: expiresAt.toISOString() };
  }

  @Post('confirm')
  @LimitPerSource('password-reset-confirm')
  @HttpCode(204)
  @NoStore()
  @ApiOperation({ summary: 'Set the new password; spends the link and ends every session' })
  @ApiJsonBody(
    ConfirmPasswordResetDto,
    new ValidationFailedError([PASSWORDS_DIFFER]),
    new ResetTokenInvalidError(),
  )
  @ApiNoContentResponse({ description: 'Done. Nobody is signed in by it.' })
  @ApiProblem('A genuine token that is dead.', new ResetTokenExpiredError(), new ResetTokenUsedError())
  @ApiProblem(
    'The password is refused, for these reasons; the link is still good.',
    new PasswordRejectedError([{ reason: 'too_short', message: 'Use at least 15 characters.' }]),
  )
  @ApiProblem(
    'Too much at once, or no way to count it; nothing has been done, and the link is still good.',
    new OverloadedError(5),
    new LimiterUnavailableError(),
  )
  async confirm(@JsonBody() dto: ConfirmPasswordResetDto, @Source() source: RequestSource): Promise<void> {
    const { token, password, passwordConfirmation } = dto;
    if (passwordConfirmation !== undefined && passwordConfirmation !== password) {
      throw new ValidationFailedError([PASSWORDS_DIFFER]);
    }
    await this.passwordReset.confirm(token, password, source);
  }

  @Post('disavow')
  @LimitPerSource('disavow')
  @HttpCode(204)
  @NoStore()
  @ApiOperation({
    summary: 'Say "this was not me": ends every session and link, and stops reset mails for a while',
  })
  @ApiJsonBody(DisavowDto, new ValidationFailedError([UNREADABLE_TOKEN]), new LinkInvalidError())
  @ApiNoContentResponse({ description: 'Done, now or before: saying it twice does nothing more.' })
  @ApiProblem('A genuine token that is dead.', new LinkExpiredError())
  @ApiProblem('There is no way to count requests; nothing has been done.', new LimiterUnavailableError())
  async disavow(@JsonBody() { token }: DisavowDto, @Source() source: RequestSource): Promise<void> {
    await this.passwordReset.disavow(token, source);
  }
}
