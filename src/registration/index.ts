export { RegistrationService } from './registration.service';
