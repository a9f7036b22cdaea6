import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsDefined } from 'class-validator';
import { EMAIL_ADDRESS_RULE, parseEmailAddress } from '../common';

/**
 * Property decorator: exactly one plain mail address. The property of the DTO is the parsed `EmailAddress`, so that nobody
 * parses it again.
 */
export function EmailField(options: ApiPropertyOptions = {}): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: String, example: 'susan@example.com', ...options }),
    Transform(({ value }) => parseEmailAddress(value)),
    IsDefined({ message: EMAIL_ADDRESS_RULE }),
  );
}
