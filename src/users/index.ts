export { PasswordHasher } from './password-hasher';
export { PasswordPolicy, type PasswordProblem, type PasswordReason } from './password-policy';
export { PasswordRejectedError } from './password-rejected.error';
export { UserEntity } from './typeorm-user-store';
export type { NewStoredUser, StoredUser, User } from './user';
export { EmailTakenError, UserStore } from './user-store';
export { UsersModule } from './users.module';
export { UsersOptions } from './users.options';
export { UsersService, type NewUser } from './users.service';
