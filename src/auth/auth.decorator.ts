import { applyDecorators, UseGuards } from '@nestjs/common';
import { ApiBearerAuth } from '@nestjs/swagger';
import { UnauthenticatedError } from '../common';
import { ApiProblems } from '../http';
import { AuthGuard } from './auth.guard';

/** Decorator of a route or a controller: only for those who are signed in, see {@link AuthGuard}. */
export function Auth(): MethodDecorator & ClassDecorator {
  return applyDecorators(UseGuards(AuthGuard), ApiBearerAuth(), ApiProblems(new UnauthenticatedError()));
}
