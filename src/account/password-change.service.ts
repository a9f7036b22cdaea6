import { Injectable } from '@nestjs/common';
import { AccessToken, AuthService } from '../auth';
import { Clock, RequestSource, SecurityEvents, Transactions, UnauthenticatedError } from '../common';
import { Authenticated } from '../http';
import { MailService, passwordChangedMail } from '../mail';
import { User, UsersService } from '../users';
import { AccountOptions } from './account.options';

/** Change of password by somebody who is signed in. */
@Injectable()
export class PasswordChangeService {
  constructor(
    private readonly auth: AuthService,
    private readonly users: UsersService,
    private readonly mails: MailService,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: AccountOptions,
  ) {}

  /**
   * Ends every session and link of the account, and begins a new session; all or nothing.
   * @throws WrongPasswordError, PasswordRejectedError, OverloadedError; UnauthenticatedError when the session has ended
   * meanwhile, by another change
   */
  async change(
    { user, sessionId }: Authenticated<User>,
    { currentPassword, password }: { currentPassword: string; password: string },
    source: RequestSource,
  ): Promise<AccessToken> {
    await this.auth.reauthenticate(user, currentPassword, source, sessionId);
    const preparedPassword = await this.users.prepareNewPassword(user.id, password, {
      present: currentPassword,
    });
    if (preparedPassword === undefined) throw new UnauthenticatedError();
    return this.transactions.run(() => this.store(user, preparedPassword, source));
  }

  private async store(
    { id, credentialsVersion }: User,
    preparedPassword: string,
    source: RequestSource,
  ): Promise<AccessToken> {
    const user = await this.users.lock(id);
    if (!user || user.disabledAt || user.credentialsVersion !== credentialsVersion)
      throw new UnauthenticatedError();
    await this.users.changePassword(id, preparedPassword, 'password_changed', user);
    const change = { changedAt: this.clock.now(), source, requestUrl: this.options.requestUrl };
    await this.mails.enqueue(passwordChangedMail(user, change));
    await this.events.record({ act: 'password_changed', outcome: 'success', userId: id, source });
    return this.auth.startSession((await this.users.findById(id))!, source);
  }
}
