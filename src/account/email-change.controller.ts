import { HttpCode, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  ApiController,
  ApiJsonBody,
  ApiProblem,
  JsonBody,
  LinkExpiredError,
  LinkInvalidError,
  LinkUsedError,
  NoStore,
  Public,
  RequestSource,
  Source,
  ValidationFailedError,
} from '../common';
import { LimiterUnavailableError, LimitPerSource } from '../limits';
import { EmailChangeTokenDto } from './account.dto';
import { EmailChangeService } from './email-change.service';

const UNREADABLE_TOKEN = {
  field: 'token',
  code: 'invalid',
  message: 'must be one string of well-formed Unicode without NUL',
};

@ApiTags('Account')
@ApiController('api/email-change')
@Public()
@ApiProblem('A genuine token that is dead.', new LinkExpiredError(), new LinkUsedError())
@ApiProblem('There is no way to count requests; nothing has been done.', new LimiterUnavailableError())
export class EmailChangeController {
  constructor(private readonly emailChange: EmailChangeService) {}

  @Post('confirm')
  @HttpCode(204)
  @NoStore()
  @LimitPerSource('email-change-confirm')
  @ApiOperation({ summary: 'Confirm the new address; ends every session and every other link' })
  @ApiJsonBody(EmailChangeTokenDto, new LinkInvalidError(), new ValidationFailedError([UNREADABLE_TOKEN]))
  @ApiNoContentResponse({ description: 'Done. Nobody is signed in by it.' })
  async confirm(@JsonBody() { token }: EmailChangeTokenDto, @Source() source: RequestSource): Promise<void> {
    await this.emailChange.confirm(token, source);
  }

  @Post('cancel')
  @HttpCode(204)
  @NoStore()
  @LimitPerSource('email-change-cancel')
  @ApiOperation({ summary: 'Stop a pending change from the old address; ends every session and link' })
  @ApiJsonBody(EmailChangeTokenDto, new LinkInvalidError(), new ValidationFailedError([UNREADABLE_TOKEN]))
  @ApiNoContentResponse({ description: 'Done. The account keeps its address.' })
  async cancel(@JsonBody() { token }: EmailChangeTokenDto, @Source() source: RequestSource): Promise<void> {
    await this.emailChange.cancel(token, source);
  }
}
