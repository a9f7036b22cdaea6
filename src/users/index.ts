export * from './former-addresses';
export { NewPasswordDto } from './new-password.dto';
export { PasswordHasher } from './password-hasher';
export { PasswordPolicy, type PasswordProblem, type PasswordReason } from './password-policy';
export { UserEntity } from './typeorm-user-store';
export type { NewStoredUser, Profile, StoredUser, User, WithUser } from './user';
export { UnverifiedUserStore } from './unverified-user-store';
export { UserStore } from './user-store';
export { EmailTakenError, PasswordRejectedError } from './users.errors';
export { UsersModule } from './users.module';
export { UsersOptions } from './users.options';
export {
  UsersService,
  type CredentialsCause,
  type CredentialsListener,
  type NewUser,
  type Recoverable,
} from './users.service';
export * from './thread-pool';
