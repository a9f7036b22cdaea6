import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DEAD_ACTION_LINKS, unlessDead } from './dead-links';
import type { FlashName } from './flash';
import type { PageData } from './page-data';
import type { PageRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';

type LinkPageName = 'confirm-email' | 'cancel-email' | 'not-me';

/**
 * Pages that the link of a mail opens: they say what their one button does, and nothing is spent until it is pressed
 * (mail scanners open links, some with a full browser). For whoever holds the link, signed in or not.
 */
@Injectable()
export class LinkPages {
  constructor(
    private readonly pages: Pages,
    private readonly sessions: PageSessions,
  ) {}

  /** @param look what the page shows of the link; throws where the link is dead */
  show<Name extends LinkPageName>(
    request: PageRequest,
    reply: FastifyReply,
    name: Name,
    look: () => Promise<PageData[Name]>,
  ): Promise<void> {
    return unlessDead(DEAD_ACTION_LINKS, this.pages, reply, async () =>
      this.pages.send(request, reply, name, await look()),
    );
  }

  /** @param act what the button does; throws where the link is dead */
  act(request: PageRequest, reply: FastifyReply, done: FlashName, act: () => Promise<void>): Promise<void> {
    return unlessDead(DEAD_ACTION_LINKS, this.pages, reply, async () => {
      await act();
      await this.sessions.forgetIfEnded(request, reply);
      // Whoever is still signed in, to another account, goes on from there to the index.
      this.pages.redirect(reply, '/login', done);
    });
  }
}
