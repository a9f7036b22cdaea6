import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { BcryptPasswordHasher } from './bcrypt-password-hasher';
import { BreachedPasswords } from './breached-passwords';
import { DefaultPasswordPolicy } from './default-password-policy';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';
import { PasswordStrength } from './password-strength';
import { TypeOrmUserStore } from './typeorm-user-store';
import { UserStore } from './user-store';
import { UsersOptions } from './users.options';
import { UsersService } from './users.service';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(UsersOptions);

/** Accounts and passwords. Ports to replace: {@link UserStore}, {@link PasswordHasher}, {@link PasswordPolicy}. */
@Module({
  providers: [
    optionsProvider,
    UsersService,
    { provide: UserStore, useClass: TypeOrmUserStore },
    { provide: PasswordHasher, useClass: BcryptPasswordHasher },
    PasswordStrength,
    BreachedPasswords,
    { provide: PasswordPolicy, useClass: DefaultPasswordPolicy },
  ],
  exports: [UsersService, UsersOptions],
})
export class UsersModule extends ConfigurableModuleClass {}
