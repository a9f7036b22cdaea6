import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { isPlainText } from '../common';
import { LinkService } from '../links';
import { ResetLink } from './reset.link';

interface RequestWithToken {
  body?: { token?: unknown } | null;
}

/**
 * Refuses forged reset tokens by their signature, before they cost a read of the database. A genuine one may be dead all
 * the same: the service refuses it, and records whose it was.
 */
@Injectable()
export class ResetTokenGuard implements CanActivate {
  constructor(
    private readonly link: ResetLink,
    private readonly links: LinkService,
  ) {}

  /** @throws ResetTokenInvalidError */
  canActivate(context: ExecutionContext): boolean {
    const token = context.switchToHttp().getRequest<RequestWithToken>().body?.token;
    // What is no text at all is for the validation of the body to refuse, field by field.
    if (isPlainText(token)) this.links.assertGenuine(this.link, token);
    return true;
  }
}
