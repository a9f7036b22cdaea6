import { Controller, Get, HttpCode, Header, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { viewsDirectory } from '../common';
import { Public } from '../http';

const CACHE_CONTROL = 'public, max-age=300';

/** The files that the pages load. */
@ApiExcludeController()
@Public()
@Controller()
export class AssetsController {
  private readonly style = readFileSync(join(viewsDirectory, 'public', 'style.css'));
  private readonly etag = `"${createHash('sha256').update(this.style).digest('base64url')}"`;

  @Get('assets/style.css')
  stylesheet(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply.headers({
      'Cache-Control': CACHE_CONTROL,
      ETag: this.etag,
      'X-Content-Type-Options': 'nosniff',
    });
    if (request.headers['if-none-match'] === this.etag) void reply.status(304).send();
    else void reply.type('text/css; charset=utf-8').send(this.style);
  }

  /** Browsers request it by themselves. */
  @Get('favicon.ico')
  @HttpCode(204)
  @Header('Cache-Control', 'public, max-age=86400')
  favicon(): void {}
}
