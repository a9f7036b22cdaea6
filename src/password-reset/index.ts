export { ResetTokenExpiredError, ResetTokenInvalidError, ResetTokenUsedError } from './password-reset.errors';
export { PasswordResetHooks, type SuppressionReason } from './password-reset.hooks';
export { PasswordResetModule } from './password-reset.module';
export { PasswordResetOptions } from './password-reset.options';
export { PasswordResetService } from './password-reset.service';
export { PasswordResetStore, type PasswordReset } from './password-reset-store';
export { passwordResetQueue } from './password-reset.worker';
export { PasswordResetEntity } from './typeorm-password-reset-store';
