import { HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  ApiController,
  ApiJsonBody,
  ApiProblem,
  JsonBody,
  LinkExpiredError,
  LinkInvalidError,
  LinkUsedError,
  NoStore,
  OverloadedError,
  parseEmailAddress,
  Public,
  RequestSource,
  Source,
  Translations,
  ValidationFailedError,
} from '../common';
import { LimiterUnavailableError, LimitPerSource } from '../limits';
import { PasswordRejectedError } from '../users';
import { RegisterDto, RegistrationAcceptedDto, VerifyAddressDto } from './registration.dto';
import { RegistrationService } from './registration.service';
import { WrongRegistrationPasswordError } from './wrong-registration-password.error';

@ApiTags('Registration')
@ApiController('api/users')
@Public()
export class RegistrationController {
  constructor(
    private readonly registration: RegistrationService,
    private readonly translations: Translations,
  ) {}

  @Post()
  @HttpCode(202)
  @NoStore()
  @LimitPerSource('registration')
  @ApiOperation({
    summary: 'Register; the answer is the same whether or not there is an account with this address',
  })
  @ApiJsonBody(
    RegisterDto,
    new ValidationFailedError([{ field: 'email', code: 'invalid', message: 'must be one e-mail address' }]),
  )
  @ApiAcceptedResponse({
    description: 'Taken down, for every well-formed address alike.',
    type: RegistrationAcceptedDto,
  })
  @ApiProblem(
    'The password is refused, for these reasons, whoever has the address.',
    new PasswordRejectedError([{ reason: 'too_short', message: 'Use at least 15 characters.' }]),
  )
  @ApiProblem(
    'Too much at once, or no way to count it; nothing has been done.',
    new OverloadedError(5),
    new LimiterUnavailableError(),
  )
  async register(
    @JsonBody() { email, ...dto }: RegisterDto,
    @Source() source: RequestSource,
  ): Promise<RegistrationAcceptedDto> {
    this.refuseUnknownLocale(dto.locale);
    await this.registration.request({ ...dto, email: parseEmailAddress(email)! }, source);
    return new RegistrationAcceptedDto();
  }

  @Post('verify')
  @HttpCode(204)
  @NoStore()
  @LimitPerSource('registration-confirm')
  @ApiOperation({ summary: 'Confirm the address of a new account, by link and password; spends the link' })
  @ApiJsonBody(
    VerifyAddressDto,
    new ValidationFailedError([
      {
        field: 'token',
        code: 'invalid',
        message: 'must be one string of well-formed Unicode without NUL',
      },
    ]),
    new LinkInvalidError(),
  )
  @ApiNoContentResponse({ description: 'Done. The account can sign in; nobody is signed in by it.' })
  @ApiProblem(
    'Not the password that was chosen at the registration; the link stays good.',
    new WrongRegistrationPasswordError(),
  )
  @ApiProblem('A genuine token that is dead.', new LinkExpiredError(), new LinkUsedError())
  @ApiProblem(
    'Too much at once, or no way to count it; nothing has been done.',
    new OverloadedError(5),
    new LimiterUnavailableError(),
  )
  async verify(
    @JsonBody() { token, password }: VerifyAddressDto,
    @Source() source: RequestSource,
  ): Promise<void> {
    await this.registration.confirm(token, password, source);
  }

  private refuseUnknownLocale(locale: string | null | undefined): void {
    const { locales } = this.translations;
    if (locale === undefined || locale === null || locales.includes(locale)) return;
    const message = `must be one of: ${[...locales].sort().join(', ')}`;
    throw new ValidationFailedError([{ field: 'locale', code: 'invalid', message }]);
  }
}
