import { Injectable, Logger, Module, OnApplicationBootstrap, Optional } from '@nestjs/common';
import { RateLimiter } from './rate-limiter';

/** Says at the start that nothing is limited. Everything works without limits, so nobody would notice. */
@Injectable()
class LimitsCheck implements OnApplicationBootstrap {
  constructor(@Optional() private readonly limiter?: RateLimiter) {}

  onApplicationBootstrap(): void {
    if (this.limiter) return;
    new Logger('Limits').warn(
      'Nothing is limited: neither requests, nor wrong passwords, nor mails in an hour. Import LimitsModule.forRoot().',
    );
  }
}

/** For modules that count on limits. One for all of them, so that it is said once. */
@Module({ providers: [LimitsCheck] })
export class LimitsCheckModule {}
