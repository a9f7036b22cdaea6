import { Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { OverloadedError, RequestSource } from '../common';
import { ApiController, ApiProblems, JsonBody, Public, Responds, Source } from '../http';
import { LinkExpiredError, LinkInvalidError, LinkUsedError } from '../links';
import { LimitPerSource } from '../limits';
import { PasswordRejectedError } from '../users';
import { RegisterDto, RegistrationAcceptedDto, VerifyAddressDto } from './registration.dto';
import { WrongRegistrationPasswordError } from './registration.errors';
import { RegistrationService } from './registration.service';

@ApiTags('Registration')
@ApiController('api/users')
@Public()
export class RegistrationController {
  constructor(private readonly registration: RegistrationService) {}

  @Post()
  @LimitPerSource('registration')
  @ApiOperation({
    summary: 'Register; the response is the same whether or not there is an account with this address',
  })
  @Responds(202, 'Accepted, for every well-formed address alike.', RegistrationAcceptedDto)
  @ApiProblems(PasswordRejectedError.example, new OverloadedError(5))
  async register(
    @JsonBody() registration: RegisterDto,
    @Source() source: RequestSource,
  ): Promise<RegistrationAcceptedDto> {
    await this.registration.request(registration, source);
    return new RegistrationAcceptedDto();
  }

  @Post('verify')
  @LimitPerSource('registration-confirm')
  @ApiOperation({
    summary: 'Confirm the address of a new account, by link and password; uses the link up',
    description: 'After a 403 or a 503 the link still works.',
  })
  @Responds(204, 'The account can sign in; nobody is signed in by it.')
  @ApiProblems(new LinkInvalidError(), new LinkExpiredError(), new LinkUsedError())
  @ApiProblems(new WrongRegistrationPasswordError(), new OverloadedError(5))
  verify(@JsonBody() { token, password }: VerifyAddressDto, @Source() source: RequestSource): Promise<void> {
    return this.registration.confirm(token, password, source);
  }
}
