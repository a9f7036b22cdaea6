import { SetMetadata, Type } from '@nestjs/common';
import type { DeadLinks } from './dead-links';

export interface PageTraits {
  /** Who the page is for; the others are sent to where they get further. */
  audience?: 'signed-in' | 'signed-out';
  /** What becomes of a dead link that leads to the page. */
  deadLinks?: DeadLinks;
}

const TRAITS = 'latchkey:page-traits';

export const HasTraits = (traits: PageTraits): ClassDecorator => SetMetadata(TRAITS, traits);

/** @param page a controller; `undefined` before one is found */
export function traitsOf(page: Type | undefined): PageTraits {
  return (page && (Reflect.getMetadata(TRAITS, page) as PageTraits | undefined)) ?? {};
}
