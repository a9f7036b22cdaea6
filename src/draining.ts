import { Injectable } from '@nestjs/common';
import { HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

/** Whether this process is about to end. It still answers, so that nobody is refused while the word gets round. */
@Injectable()
export class Draining {
  begun = false;

  constructor(private readonly indicators: HealthIndicatorService) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('process');
    return this.begun ? indicator.down('about to end') : indicator.up();
  }
}
