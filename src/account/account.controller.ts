import { Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessTokenDto, Auth, WrongPasswordError } from '../auth';
import { OverloadedError, RequestSource } from '../common';
import {
  ApiController,
  ApiProblems,
  Authenticated,
  CurrentAuthentication,
  JsonBody,
  Responds,
  Source,
} from '../http';
import { LimitPerSource } from '../limits';
import { PasswordRejectedError, User } from '../users';
import { OwnAddressError } from './account.errors';
import { ChangeEmailDto, ChangePasswordDto, EmailChangeAcceptedDto } from './account.dto';
import { EmailChangeService } from './email-change.service';
import { PasswordChangeService } from './password-change.service';

@ApiTags('Account')
@ApiController('api/users/me')
@Auth()
export class AccountController {
  constructor(
    private readonly passwordChange: PasswordChangeService,
    private readonly emailChange: EmailChangeService,
  ) {}

  @Post('password')
  @LimitPerSource('password-change')
  @ApiOperation({
    summary: 'Change the password; ends every session and mailed link, and begins a new session',
  })
  @Responds(200, 'Changed. From now on only this access token works.', AccessTokenDto)
  @ApiProblems(new WrongPasswordError(), PasswordRejectedError.example, new OverloadedError(5))
  changePassword(
    @JsonBody() passwords: ChangePasswordDto,
    @CurrentAuthentication() authenticated: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<AccessTokenDto> {
    return this.passwordChange.change(authenticated, passwords, source);
  }

  @Post('email')
  @LimitPerSource('email-change')
  @ApiOperation({
    summary: 'Request a change of address; the response is the same whether or not the new one is taken',
  })
  @Responds(
    202,
    'Accepted. The old address stays valid until the new one is confirmed.',
    EmailChangeAcceptedDto,
  )
  @ApiProblems(new OwnAddressError(), new WrongPasswordError(), new OverloadedError(5))
  async changeEmail(
    @JsonBody() change: ChangeEmailDto,
    @CurrentAuthentication() authenticated: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<EmailChangeAcceptedDto> {
    await this.emailChange.request(authenticated, change, source);
    return new EmailChangeAcceptedDto();
  }
}
