import {
  ArgumentsHost,
  Catch,
  ExceptionFilter,
  INestApplication,
  MethodNotAllowedException,
  NotFoundException,
  RequestMethod,
} from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { HttpAdapterHost, MetadataScanner, ModulesContainer } from '@nestjs/core';

/** A route of a controller, e.g. `POST` and `/reset_password/:token`. */
export interface Route {
  method: string;
  path: string;
}

/**
 * Turns a 404 into a 405 where the path exists and only the method does not (RFC 9110, section 15.5.6): neither Fastify nor
 * Express does, nor do they find the routes of a path. Another filter writes the answer.
 */
@Catch()
export class UnknownRouteFilter implements ExceptionFilter {
  private routes: (Route & { pattern: RegExp })[] | undefined;

  constructor(
    private readonly app: INestApplication,
    private readonly answering: ExceptionFilter,
  ) {}

  catch(error: unknown, host: ArgumentsHost): unknown {
    const { method, url } = host.switchToHttp().getRequest<{ method: string; url: string }>();
    const allowed = error instanceof NotFoundException ? this.methodsAt(url) : [];
    // The route exists, and something else was not found.
    if (allowed.length === 0 || allowed.includes(method)) return this.answering.catch(error, host) as unknown;
    const { httpAdapter } = this.app.get(HttpAdapterHost);
    httpAdapter.setHeader(host.switchToHttp().getResponse(), 'Allow', allowed.join(', '));
    return this.answering.catch(new MethodNotAllowedException(), host) as unknown;
  }

  private methodsAt(url: string): string[] {
    this.routes ??= routesOf(this.app).map((route) => ({ ...route, pattern: patternOf(route.path) }));
    const path = joined('', url.split('?', 1)[0]!);
    const methods = this.routes.filter((route) => route.pattern.test(path)).map(({ method }) => method);
    return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].sort();
  }
}

/** Every route of an application's controllers. */
export function routesOf(app: INestApplication): Route[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype }) => {
    const { prototype } = metatype as { prototype: Record<string, object> };
    const base = pathsOf(metatype as object);
    return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
      const handler = prototype[name]!;
      const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
      if (method === undefined) return [];
      const paths = base.flatMap((start) => pathsOf(handler).map((end) => joined(start, end)));
      return paths.map((path) => ({ method: RequestMethod[method], path }));
    });
  });
}

function pathsOf(decorated: object): string[] {
  return [Reflect.getMetadata(PATH_METADATA, decorated) as string | string[]].flat();
}

function joined(start: string, end: string): string {
  return `/${`${start}/${end}`.split('/').filter(Boolean).join('/')}`;
}

/** A parameter matches one segment. */
function patternOf(path: string): RegExp {
  const parts = path
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}
