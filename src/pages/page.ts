import type { AccessToken } from '../auth';
import type { FlashName } from './flash';
import type { PageData, PageName } from './page-data';

/** What a page controller returns: a page to show. */
export class Page<Name extends PageName = PageName> {
  constructor(
    readonly name: Name,
    readonly data: PageData[Name],
  ) {}
}

/** What a page controller returns: where the browser goes on. */
export class Redirect {
  /** @param path written in the code or kept by {@link Continuation}: never something that a request names */
  constructor(
    readonly path: `/${string}`,
    readonly options: RedirectOptions = {},
  ) {}
}

interface RedirectOptions {
  status?: number;
  /** A message for the next page. */
  flash?: FlashName;
  /** A session that begins in this browser. */
  session?: AccessToken;
  /** The session of this browser may be among those that have ended. */
  mayEndSession?: boolean;
  /** The browser forgets everything that came from here. */
  isGoodbye?: boolean;
}

export type Answer = Page | Redirect;
