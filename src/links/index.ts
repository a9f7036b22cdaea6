export { addressDigest, hasAddressMoved } from './address-moved';
export { HAND_OVER_GRACE_SECONDS, LinkService, type LinkAttempt } from './link.service';
export { LinkKind, type LinkErrors, type OpenedLink } from './link-kind';
export { LinkTokenDto } from './link-token.dto';
export { AddressMovedError, LinkExpiredError, LinkInvalidError, LinkUsedError } from './links.errors';
export { LinksModule } from './links.module';
export { SignedTokens, TokenInvalidError, type ReadToken } from './signed-tokens';
