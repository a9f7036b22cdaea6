import { Injectable } from '@nestjs/common';
import { HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

/** Whether this process is about to end. It still answers, so that nobody is refused while the word gets round. */
@Injectable()
export class Draining {
  private begun = false;

  constructor(private readonly indicators: HealthIndicatorService) {}

  begin(): void {
    this.begun = true;
  }

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('process');
    return this.begun ? indicator.down('about to end') : indicator.up();
  }
}
