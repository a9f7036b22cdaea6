export { PageExceptionFilter } from './page-exception.filter';
export { PagesModule } from './pages.module';
export { PagesOptions } from './pages.options';
