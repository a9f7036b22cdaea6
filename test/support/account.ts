import type { User } from '../../src/users';
import { PASSWORD, TestApp } from './test-app';

/** What people who are signed in do with their account, over REST. */
export class Account {
  constructor(private readonly server: TestApp) {}

  changePassword(accessToken: string, password: string, currentPassword = PASSWORD) {
    return this.server.http
      .post('/api/users/me/password')
      .set('Authorization', `Bearer ${accessToken}`)
      .send({ currentPassword, password });
  }

  changeEmail(accessToken: string, email: string, currentPassword = PASSWORD) {
    return this.server.http
      .post('/api/users/me/email')
      .set('Authorization', `Bearer ${accessToken}`)
      .send({ email, currentPassword });
  }

  /** By the password of the account, as somebody who is not signed in. */
  confirmEmail(token: string, password: string | undefined = PASSWORD) {
    return this.server.http.post('/api/email-change/confirm').send({ token, password });
  }

  cancelEmail(token: string) {
    return this.server.http.post('/api/email-change/cancel').send({ token });
  }

  /** Asks for a change of address, and takes the tokens out of the two mails that come. */
  async emailChangeTokens(user: User, email: string): Promise<{ confirm: string; cancel: string }> {
    const [seenOld, seenNew] = [this.server.mails.countTo(user.email), this.server.mails.countTo(email)];
    await this.changeEmail(await this.server.accessTokenFor(user), email).expect(202);
    const toOld = await this.server.mails.next(user.email, seenOld, 'cancel_email/');
    const toNew = await this.server.mails.next(email, seenNew, 'confirm_email/');
    return { confirm: tokenOf('confirm_email', toNew.text), cancel: tokenOf('cancel_email', toOld.text) };
  }
}

/** The token in the only link of a text. */
export function tokenOf(page: string, text: string): string {
  const links = [...text.matchAll(/https?:\/\/\S+/g)].map(([link]) => link);
  expect(links).toEqual([expect.stringContaining(`/${page}/`)]);
  return links[0]!.split('/').at(-1)!;
}
