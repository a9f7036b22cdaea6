import { applyDecorators, Controller, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../common';
import { PageExceptionFilter } from './page-exception.filter';
import { PageGuard } from './page.guard';

/** A controller of pages: open to everybody, guarded against foreign forms, answering errors as pages. */
export function PageController(path = ''): ClassDecorator {
  return applyDecorators(
    Controller(path),
    Public(),
    UseGuards(PageGuard),
    UseFilters(PageExceptionFilter),
    ApiExcludeController(),
  );
}
