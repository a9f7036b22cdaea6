import { applyDecorators, Controller, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../http';
import { PageExceptionFilter } from './page-exception.filter';
import { HasTraits, PageTraits } from './page-traits';
import { PageGuard } from './page.guard';
import { PageInterceptor } from './page.interceptor';

/**
 * A controller of pages. Its handlers return a `Page` or a `Redirect`; the interceptor answers with that, the filter turns
 * errors into pages, and the guard refuses forms of other sites.
 */
export function PageController(path = '', traits: PageTraits = {}): ClassDecorator {
  return applyDecorators(
    Controller(path),
    Public(),
    HasTraits(traits),
    UseGuards(PageGuard),
    UseInterceptors(PageInterceptor),
    UseFilters(PageExceptionFilter),
    ApiExcludeController(),
  );
}
