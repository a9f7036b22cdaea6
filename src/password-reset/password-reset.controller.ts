import { Post, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { OverloadedError, RequestSource } from '../common';
import { ApiController, ApiProblems, JsonBody, Public, Responds, Source } from '../http';
import { AddressMovedError, LinkExpiredError, LinkInvalidError } from '../links';
import { LimitPerSource } from '../limits';
import { PasswordRejectedError } from '../users';
import { DisavowalService } from './disavowal.service';
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
import { ResetTokenGuard } from './reset-token.guard';

@ApiTags('Password reset')
@ApiController('api/password-reset')
@Public()
export class PasswordResetController {
  constructor(
    private readonly passwordReset: PasswordResetService,
    private readonly disavowal: DisavowalService,
  ) {}

  @Post()
  @LimitPerSource('password-reset')
  @ApiOperation({
    summary: 'Request a link by mail; the response is the same whether or not there is an account',
  })
  @Responds(202, 'Accepted, for every well-formed address alike.', RequestAcceptedDto)
  async request(
    @JsonBody() { email }: RequestPasswordResetDto,
    @Source() source: RequestSource,
  ): Promise<RequestAcceptedDto> {
    await this.passwordReset.request(email, source);
    return new RequestAcceptedDto();
  }

  @Post('verify')
  @UseGuards(ResetTokenGuard)
  @LimitPerSource('password-reset-verify')
  @ApiOperation({ summary: 'Check whether a link still works; does not use it up' })
  @Responds(200, 'The link works.', ResetTokenDto)
  @ApiProblems(new ResetTokenInvalidError(), new ResetTokenExpiredError(), new ResetTokenUsedError())
  async verify(
    @JsonBody() { token }: VerifyResetTokenDto,
    @Source() source: RequestSource,
  ): Promise<ResetTokenDto> {
    return new ResetTokenDto(await this.passwordReset.inspect(token, source));
  }

  @Post('confirm')
  @UseGuards(ResetTokenGuard)
  @LimitPerSource('password-reset-confirm')
  @ApiOperation({
    summary: 'Set the new password; uses the link up and ends every session',
    description: 'After a 422 or a 503 the link still works.',
  })
  @Responds(204, 'The new password is set. Nobody is signed in by it.')
  @ApiProblems(new ResetTokenInvalidError(), new ResetTokenExpiredError(), new ResetTokenUsedError())
  @ApiProblems(PasswordRejectedError.example, new OverloadedError(5))
  confirm(
    @JsonBody() { token, password }: ConfirmPasswordResetDto,
    @Source() source: RequestSource,
  ): Promise<void> {
    return this.passwordReset.confirm(token, password, source);
  }

  @Post('disavow')
  @LimitPerSource('disavow')
  @ApiOperation({
    summary:
      'Say "this was not me", with the token of that link: ends every session and link, and stops reset mails for a while',
  })
  @Responds(204, 'Done, now or before: a second request does nothing more.')
  @ApiProblems(new LinkInvalidError(), new LinkExpiredError(), new AddressMovedError())
  disavow(@JsonBody() { token }: DisavowDto, @Source() source: RequestSource): Promise<void> {
    return this.disavowal.confirm(token, source);
  }
}
