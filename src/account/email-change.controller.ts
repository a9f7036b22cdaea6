import { Headers, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AuthService, bearerToken, WrongPasswordError } from '../auth';
import { OverloadedError, RequestSource } from '../common';
import { ApiController, ApiProblems, JsonBody, Public, Responds, Source } from '../http';
import { AddressMovedError, LinkExpiredError, LinkInvalidError, LinkUsedError } from '../links';
import { LimitPerSource } from '../limits';
import { ConfirmEmailChangeDto, EmailChangeHeldDto, EmailChangeTokenDto } from './account.dto';
import { PasswordRequiredError } from './account.errors';
import { EmailChangeService } from './email-change.service';

@ApiTags('Account')
@ApiController('api/email-change')
@Public()
export class EmailChangeController {
  constructor(
    private readonly emailChange: EmailChangeService,
    private readonly auth: AuthService,
  ) {}

  @Post('confirm')
  @LimitPerSource('email-change-confirm')
  @ApiOperation({
    summary: 'Confirm the new address, as the owner of the account; ends every session and every other link',
    description: 'After a 401, a 403 or a 503 the link still works.',
    // With an access token or, in its place, with the password in the body.
    security: [{ bearer: [] }, {}],
  })
  @Responds(204, 'The address is changed, now or before. Nobody is signed in by it.')
  @ApiAcceptedResponse({
    description:
      'Confirmed, now or before. The password was reset a short time ago, so the address changes later.',
    type: EmailChangeHeldDto,
  })
  @ApiProblems(new LinkInvalidError(), new LinkExpiredError(), new LinkUsedError())
  @ApiProblems(new PasswordRequiredError(), new WrongPasswordError('password'), new OverloadedError(5))
  async confirm(
    @JsonBody() { token, password }: ConfirmEmailChangeDto,
    @Headers('authorization') authorization: string | undefined,
    @Source() source: RequestSource,
    @Res({ passthrough: true }) response: { status(code: number): unknown },
  ): Promise<EmailChangeHeldDto | undefined> {
    const accessToken = bearerToken(authorization);
    const user = accessToken ? (await this.auth.authenticate(accessToken))?.user : undefined;
    const effectiveAt = await this.emailChange.confirm(token, { user, password }, source);
    if (!effectiveAt) return undefined;
    response.status(202);
    return new EmailChangeHeldDto(effectiveAt);
  }

  @Post('cancel')
  @LimitPerSource('email-change-cancel')
  @ApiOperation({
    summary: 'Cancel every pending change, from the old address; ends every session and link',
  })
  @Responds(204, 'Canceled, now or before. The account keeps its address.')
  @ApiProblems(new LinkInvalidError(), new LinkExpiredError(), new AddressMovedError())
  cancel(@JsonBody() { token }: EmailChangeTokenDto, @Source() source: RequestSource): Promise<void> {
    return this.emailChange.cancel(token, source);
  }
}
