import { BadRequestException } from '@nestjs/common';
import { formFields } from './form';

describe('formFields', () => {
  it('gives the named fields only, missing ones empty', () => {
    expect(formFields({ email: 'a@b.example', role: 'admin' }, 'email', 'password')).toEqual({
      email: 'a@b.example',
      password: '',
    });
    expect(formFields(undefined, 'email')).toEqual({ email: '' });
  });

  it.each([[['a', 'b']], [{ $ne: '' }], [1], ['a\0b'], ['\ud800']])('refuses %p', (email) => {
    expect(() => formFields({ email }, 'email')).toThrow(BadRequestException);
  });
});
