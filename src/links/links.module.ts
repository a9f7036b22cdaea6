import { Global, Module } from '@nestjs/common';
import { LinkService } from './link.service';
import { SignedTokens } from './signed-tokens';

/** Signed tokens and mailed one-time links. Imported by the modules that use them, so a host need not import it. */
@Global()
@Module({ providers: [SignedTokens, LinkService], exports: [SignedTokens, LinkService] })
export class LinksModule {}
