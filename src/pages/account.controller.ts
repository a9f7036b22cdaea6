import { Get } from '@nestjs/common';
import { AuthService } from '../auth';
import { type Authenticated, CurrentAuthentication } from '../http';
import type { User } from '../users';
import { Page } from './page';
import { PageController } from './page-controller';
import { sessionRows } from './session-rows';

@PageController('account', { audience: 'signed-in' })
export class AccountController {
  constructor(private readonly auth: AuthService) {}

  @Get()
  async account(@CurrentAuthentication() current: Authenticated<User>): Promise<Page> {
    return new Page('account', { sessions: await sessionRows(this.auth, current) });
  }
}
