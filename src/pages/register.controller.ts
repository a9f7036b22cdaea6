import { Body, Get, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isUsername, parseEmailAddress, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { RegistrationService } from '../registration';
import { formFields } from './form-fields';
import { readProblems } from './form-problems';
import { PageController } from './page-controller';
import type { FormProblems } from './page-data';
import type { PageRequest } from './page-request';
import { Pages } from './pages';
import { PagesOptions } from './pages.options';
import { SignedOutOnly } from './signed-out-only.interceptor';

@PageController('register')
@UseInterceptors(SignedOutOnly)
export class RegisterController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly pages: Pages,
    private readonly options: PagesOptions,
  ) {}

  @Get()
  form(@Req() request: PageRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.show(request, reply, { email: '', username: '' });
  }

  @Post()
  @LimitPerSource('registration')
  async register(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<void> {
    const form = formFields(body, 'email', 'username', 'password', 'password2');
    const email = parseEmailAddress(form.email.trim());
    const username = form.username.trim();
    const mismatch = form.password !== form.password2;
    if (!email || !isUsername(username)) {
      const problems = { email: !email, username: !isUsername(username), mismatch };
      return this.show(request, reply, form, problems, 400);
    }
    if (mismatch) return this.show(request, reply, form, { mismatch }, 422);
    const registration = {
      email,
      username,
      password: form.password,
      locale: this.pages.languageOf(request),
    };
    try {
      await this.registrations.request(registration, requestSource(request));
    } catch (error) {
      const { problems, status } = readProblems(error, reply);
      return this.show(request, reply, form, problems, status);
    }
    // Known or not: the same answer, so that nobody learns who has an account here.
    this.pages.redirect(reply, '/login', 'registered');
  }

  private show(
    request: PageRequest,
    reply: FastifyReply,
    { email, username }: { email: string; username: string },
    problems: FormProblems = {},
    status = 200,
  ): Promise<void> {
    const page = { email, username, problems, minLength: this.options.passwordMinLength };
    return this.pages.send(request, reply, 'register', page, status);
  }
}
