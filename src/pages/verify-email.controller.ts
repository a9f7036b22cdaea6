import { Body, Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { maskEmail, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { RegistrationService, ShownRegistration } from '../registration';
import { DEAD_REGISTRATION_LINKS, unlessDead } from './dead-links';
import { formFields } from './form-fields';
import { readProblems } from './form-problems';
import { PageController } from './page-controller';
import type { FormProblems } from './page-data';
import type { PageRequest } from './page-request';
import { Pages } from './pages';

/** The link that, with the password chosen at the registration, proves its address. Looking spends nothing. */
@PageController('verify_email/:token')
export class VerifyEmailController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly pages: Pages,
  ) {}

  @Get()
  @LimitPerSource('registration-look')
  form(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    return unlessDead(DEAD_REGISTRATION_LINKS, this.pages, reply, async () =>
      this.show(request, reply, await this.registrations.look(token, requestSource(request))),
    );
  }

  @Post()
  @LimitPerSource('registration-confirm')
  async confirm(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
    @Body() body: unknown,
  ): Promise<void> {
    const { password } = formFields(body, 'password');
    await unlessDead(DEAD_REGISTRATION_LINKS, this.pages, reply, async () => {
      try {
        await this.registrations.confirm(token, password, requestSource(request));
      } catch (error) {
        const { problems, status } = readProblems(error, reply);
        return this.show(request, reply, await this.registrations.lookAgain(token), problems, status);
      }
      // Whoever is signed in, to another account, goes on from there to the index.
      this.pages.redirect(reply, '/login', 'addressConfirmed');
    });
  }

  private show(
    request: PageRequest,
    reply: FastifyReply,
    { email, ...rest }: ShownRegistration,
    problems: FormProblems = {},
    status = 200,
  ): Promise<void> {
    const page = { ...rest, email: maskEmail(email), problems };
    return this.pages.send(request, reply, 'verify-email', page, status);
  }
}
