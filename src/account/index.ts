export { AccountModule } from './account.module';
export { AccountOptions } from './account.options';
export { EmailChangeService } from './email-change.service';
export { EmailChangeStore, type EmailChange } from './email-change-store';
export { emailChangeQueue } from './email-change.worker';
export { OwnAddressError } from './own-address.error';
export { PasswordChangeService } from './password-change.service';
export { EmailChangeEntity } from './typeorm-email-change-store';
