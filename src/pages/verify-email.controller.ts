import { Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { maskEmail, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { RegistrationService } from '../registration';
import { DEAD_REGISTRATION_LINKS } from './dead-links';
import { LinkPages } from './link-pages';
import { PageController } from './page-controller';
import type { PageRequest } from './page-request';

/** The link that proves the address of a registration. */
@PageController('verify_email/:token')
export class VerifyEmailController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly links: LinkPages,
  ) {}

  @Get()
  form(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    const look = async () => {
      const { email, ...rest } = await this.registrations.look(token);
      return { ...rest, email: maskEmail(email) };
    };
    return this.links.show(request, reply, 'verify-email', look, DEAD_REGISTRATION_LINKS);
  }

  @Post()
  @LimitPerSource('registration-confirm')
  confirm(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    const confirm = () => this.registrations.confirm(token, requestSource(request));
    return this.links.act(request, reply, 'addressConfirmed', confirm, DEAD_REGISTRATION_LINKS);
  }
}
