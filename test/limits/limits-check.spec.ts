import { Test } from '@nestjs/testing';
import { AuthModule, CommonModule, MailModule, PasswordResetModule, UsersModule } from '../../src';
import {
  InMemoryDatabaseModule,
  InMemoryJobsModule,
  InMemoryLimitsModule,
  InMemoryMailModule,
  inMemoryStores,
} from '../../src/testing';
import { settings } from '../fixtures/settings';

const common = [
  InMemoryDatabaseModule,
  InMemoryJobsModule,
  CommonModule.forRoot({ secretKey: settings.secretKey }),
  UsersModule.forRoot({ overrides: inMemoryStores.users }),
];
const auth = AuthModule.forRoot({ overrides: inMemoryStores.auth });
const passwordReset = PasswordResetModule.forRoot({
  resetUrl: settings.resetUrl,
  requestUrl: settings.requestUrl,
  overrides: inMemoryStores.passwordReset,
});

describe('a host without limits does not start, and reads what to import', () => {
  it.each([
    ['with sign-in', [auth]],
    ['with mails', [MailModule.forRoot(settings.mail)]],
    ['with all of it', [InMemoryMailModule, auth, passwordReset]],
  ])('%s', async (_, modules) => {
    await expect(Test.createTestingModule({ imports: [...common, ...modules] }).compile()).rejects.toThrow(
      /^Latchkey needs its limits: import LimitsModule\.forRoot\(\) .* An option of 0 switches its limit off\.$/,
    );
  });

  it('and starts with them', async () => {
    const imports = [...common, InMemoryMailModule, InMemoryLimitsModule, auth, passwordReset];
    const app = await Test.createTestingModule({ imports }).compile();
    await app.init();
    await app.close();
  });
});
