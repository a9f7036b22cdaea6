import { Injectable } from '@nestjs/common';
import { HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

/** Whether this process is about to end. It still answers requests until load balancers have noticed. */
@Injectable()
export class Draining {
  isDraining = false;

  constructor(private readonly indicators: HealthIndicatorService) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('process');
    return this.isDraining ? indicator.down('about to end') : indicator.up();
  }
}
