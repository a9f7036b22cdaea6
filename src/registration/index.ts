export { RegistrationModule } from './registration.module';
export { RegistrationOptions } from './registration.options';
export {
  RegistrationService,
  type RegistrationRequest,
  type ShownRegistration,
} from './registration.service';
export { RegistrationStore, type Registration } from './registration-store';
export { registrationQueue } from './registration.worker';
export { RegistrationEntity } from './typeorm-registration-store';
export { WrongRegistrationPasswordError } from './wrong-registration-password.error';
