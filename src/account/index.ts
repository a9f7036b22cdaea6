export { EmailChangeService } from './email-change.service';
export { PasswordChangeService } from './password-change.service';
