import { INestApplication } from '@nestjs/common';
import { DocumentBuilder, OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Latchkey API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</html>`;

const START = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#swagger-ui', validatorUrl: null });`;

// Swagger UI uses inline styles, and data URLs for its icons.
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The OpenAPI 3.1 description of the routes of an application. */
export function describeApi(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Latchkey')
    .setDescription('Account recovery by e-mail. Every error is `application/problem+json` (RFC 9457).')
    .setVersion('1')
    .addBearerAuth()
    .build();
  return SwaggerModule.createDocument(app, config);
}

/**
 * Serves the description at `/api/openapi.json` and a page to try it at `/api/docs`. (On Fastify, `SwaggerModule.setup` needs
 * `@fastify/static`, which depends on packages that need Node 22, to serve these three files.)
 */
export function serveApiDocs(app: INestApplication): void {
  const adapter = app.getHttpAdapter();
  let description: string | undefined;
  const serve = (path: string, type: string, body: () => string): void => {
    adapter.get(path, (_request: unknown, response: unknown) => {
      adapter.setHeader(response, 'Content-Type', `${type}; charset=utf-8`);
      if (type === 'text/html') adapter.setHeader(response, 'Content-Security-Policy', PAGE_POLICY);
      adapter.reply(response, body(), 200);
    });
  };
  serve('/api/openapi.json', 'application/json', () => (description ??= JSON.stringify(describeApi(app))));
  serve('/api/docs', 'text/html', () => PAGE);
  serve('/api/docs/start.js', 'text/javascript', () => START);
  serve('/api/docs/swagger-ui.css', 'text/css', () => swaggerUi('swagger-ui.css'));
  serve('/api/docs/swagger-ui-bundle.js', 'text/javascript', () => swaggerUi('swagger-ui-bundle.js'));
}

function swaggerUi(file: string): string {
  return readFileSync(join(dirname(require.resolve('swagger-ui-dist/package.json')), file), 'utf8');
}
