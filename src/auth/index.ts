export { AuthGuard } from './auth.guard';
export { AuthModule } from './auth.module';
export { AuthOptions } from './auth.options';
export { AuthService, type AccessToken } from './auth.service';
export { WrongPasswordError } from './wrong-password.error';
export { InvalidCredentialsError } from './invalid-credentials.error';
export { SessionStore, type Session } from './session-store';
export { SessionEntity } from './typeorm-session-store';
