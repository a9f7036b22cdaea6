export { RegisterDto, VerifyAddressDto } from './registration.dto';
export { WrongRegistrationPasswordError } from './registration.errors';
export { RegistrationModule } from './registration.module';
export { RegistrationOptions } from './registration.options';
export {
  RegistrationService,
  type RegistrationRequest,
  type ShownRegistration,
} from './registration.service';
export { RegistrationStore, type Registration } from './registration-store';
export { registrationQueue } from './registration.queue';
export { RegistrationEntity } from './typeorm-registration-store';
