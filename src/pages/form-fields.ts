import { BadRequestException } from '@nestjs/common';
import { isPlainText } from '../common';

/**
 * Reads the named fields of a form; one that is missing is empty.
 * @throws BadRequestException when a field was sent twice or is no plain text
 */
export function formFields<Name extends string>(body: unknown, ...names: Name[]): Record<Name, string> {
  const form = (body ?? {}) as Record<string, unknown>;
  const fields = names.map((name) => [name, form[name] ?? ''] as const);
  if (!fields.every(([, value]) => isPlainText(value))) throw new BadRequestException();
  return Object.fromEntries(fields) as Record<Name, string>;
}
