import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { Continuation } from './continuation';
import { Answer, Page, Redirect } from './page';
import type { PageRequest } from './page-request';
import { traitsOf } from './page-traits';
import { SESSION_OVER } from './signed-out';

/**
 * Shows a form again that was refused and not carried out, or what leads on to it: a form that is out of date may come from
 * somebody who has signed in or out in another tab.
 */
@Injectable()
export class FormAgain {
  constructor(
    private readonly controllers: ModuleRef,
    private readonly continuation: Continuation,
  ) {}

  async show(request: PageRequest, reply: FastifyReply): Promise<Answer> {
    const { audience } = traitsOf(request.page);
    if (audience === 'signed-in' && !request.authenticated) return new Redirect(SESSION_OVER);
    if (audience === 'signed-out' && request.authenticated)
      return new Page('index', { continuation: this.continuation.remember(request, reply) });
    const [parameter = ''] = Object.values(request.params as Record<string, string>);
    return this.controllers.get(request.page!, { strict: false }).form(request, parameter);
  }
}
