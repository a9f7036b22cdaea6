import { ValidationFailedError } from '../common';

/** 400: the new address is the one that the account has already. */
export class OwnAddressError extends ValidationFailedError {
  constructor() {
    super([{ field: 'email', code: 'unchanged', message: 'must not be the address that you have already' }]);
  }
}
