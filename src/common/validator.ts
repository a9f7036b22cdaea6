import { registerDecorator, ValidationArguments, ValidationOptions } from 'class-validator';

/** A property decorator of class-validator, made from a function. */
export function validator(
  name: string,
  validate: (value: unknown, context: ValidationArguments) => boolean,
  message: string,
  options?: ValidationOptions,
): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: propertyName as string,
      options: { message, ...options },
      validator: { validate: (value, context) => validate(value, context!) },
    });
}
