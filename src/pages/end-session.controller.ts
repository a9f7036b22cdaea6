import { Get, Param, Post, Req } from '@nestjs/common';
import { AuthService } from '../auth';
import type { RequestSource } from '../common';
import { type Authenticated, CurrentAuthentication, Source } from '../http';
import { LimitPerSource } from '../limits';
import type { User } from '../users';
import { Form } from './form';
import { EndSessionForm } from './forms';
import { Answer, Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, SignedInRequest } from './page-request';
import { sessionRows } from './session-rows';
import { SIGNED_OUT } from './signed-out';

/** Ends a session; any but this one by password only. */
@PageController('sessions/:id/end', { audience: 'signed-in' })
export class EndSessionController implements FormPage {
  constructor(private readonly auth: AuthService) {}

  @Get()
  async form(@Req() { authenticated }: SignedInRequest, @Param('id') id: string): Promise<Answer> {
    const session = (await sessionRows(this.auth, authenticated)).find((row) => row.id === id);
    return session
      ? new Page('end-session', { session })
      : new Redirect('/account', { flash: 'sessionGone' });
  }

  @Post()
  @LimitPerSource('session-end')
  async end(
    @Param('id') id: string,
    @Form() { currentPassword = '' }: EndSessionForm,
    @CurrentAuthentication() current: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<Redirect> {
    if (id === current.sessionId) {
      await this.auth.logout(id, source);
      return new Redirect(SIGNED_OUT, { isGoodbye: true });
    }
    const ended = await this.auth.endOtherSession(current, id, currentPassword, source);
    // A session of somebody else looks the same as one that has ended.
    return new Redirect('/account', { flash: ended ? 'sessionEnded' : 'sessionGone' });
  }
}
