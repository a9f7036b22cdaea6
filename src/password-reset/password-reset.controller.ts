import { Body, HttpCode, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import {
  ApiController,
  ApiProblem,
  NoStore,
  parseEmailAddress,
  Public,
  RequestSource,
  Source,
  ValidationFailedError,
} from '../common';
import {
  ConfirmPasswordResetDto,
  RequestAcceptedDto,
  RequestPasswordResetDto,
  ResetTokenDto,
  VerifyResetTokenDto,
} from './password-reset.dto';
import { PasswordResetService } from './password-reset.service';

@ApiTags('Password reset')
@ApiController('api/password-reset')
@Public()
export class PasswordResetController {
  constructor(private readonly passwordReset: PasswordResetService) {}

  @Post()
  @HttpCode(202)
  @NoStore()
  @ApiOperation({
    summary: 'Ask for a link by mail; the answer is the same whether or not there is an account',
  })
  @ApiAcceptedResponse({ type: RequestAcceptedDto })
  @ApiProblem(400, 'Not one well-formed address.', 'VALIDATION_FAILED')
  async request(@Body() { email }: RequestPasswordResetDto): Promise<RequestAcceptedDto> {
    await this.passwordReset.request(parseEmailAddress(email)!);
    return new RequestAcceptedDto();
  }

  @Post('verify')
  @HttpCode(200)
  @NoStore()
  @ApiOperation({ summary: 'Look whether a link is still good; spends nothing' })
  @ApiOkResponse({ type: ResetTokenDto })
  @ApiProblem(400, 'No token of ours.', 'RESET_TOKEN_INVALID', 'VALIDATION_FAILED')
  @ApiProblem(410, 'A genuine token that is dead.', 'RESET_TOKEN_EXPIRED', 'RESET_TOKEN_USED')
  async verify(@Body() { token }: VerifyResetTokenDto): Promise<ResetTokenDto> {
    const { expiresAt } = await this.passwordReset.verify(token);
    return { expiresAt: expiresAt.toISOString() };
  }

  @Post('confirm')
  @HttpCode(204)
  @NoStore()
  @ApiOperation({ summary: 'Set the new password; spends the link and ends every session' })
  @ApiNoContentResponse({ description: 'Done. Nobody is signed in by it.' })
  @ApiProblem(
    400,
    'No token of ours, or the two passwords differ.',
    'RESET_TOKEN_INVALID',
    'VALIDATION_FAILED',
  )
  @ApiProblem(410, 'A genuine token that is dead.', 'RESET_TOKEN_EXPIRED', 'RESET_TOKEN_USED')
  @ApiProblem(422, 'The password is refused; the link is still good.', 'PASSWORD_REJECTED')
  @ApiProblem(503, 'Too much at once; nothing has been done.', 'OVERLOADED')
  async confirm(@Body() dto: ConfirmPasswordResetDto, @Source() source: RequestSource): Promise<void> {
    const { token, password, passwordConfirmation } = dto;
    if (passwordConfirmation !== undefined && passwordConfirmation !== password) {
      const message = 'must be the same as password';
      throw new ValidationFailedError([{ field: 'passwordConfirmation', code: 'mismatch', message }]);
    }
    await this.passwordReset.confirm(token, password, source);
  }
}
