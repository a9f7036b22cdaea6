import {
  ArgumentMetadata,
  BadRequestException,
  createParamDecorator,
  ExecutionContext,
  PipeTransform,
  Type,
} from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { isPlainText } from '../common';
import { createValidationPipe } from '../http';

/** People do not see a space that they have typed or pasted along; in a password it counts. */
const TRIMMED = ['email', 'username'];

const validation = createValidationPipe();

const formPipe: PipeTransform = {
  transform(body: unknown, metadata: ArgumentMetadata): unknown {
    const fields = Object.entries(formFields(body, ...fieldsOf(metadata.metatype!)));
    const form = fields.map(([name, text]) => [name, TRIMMED.includes(name) ? text.trim() : text]);
    return validation.transform(Object.fromEntries(form), { ...metadata, type: 'body' });
  },
};

const formOf = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().body,
);

/** Parameter decorator: the form that was sent, checked against its class. */
export const Form = () => formOf(formPipe);

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

function fieldsOf(form: Type): string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(form, '', false, false);
  return [...new Set(rules.map(({ propertyName }) => propertyName))];
}
