import { LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AuthModule, CommonModule, PasswordResetModule, UsersModule } from '../src';
import { InMemoryLimitsModule, InMemoryModule, inMemoryStores } from '../src/testing';
import { AppModule as InMemoryHost } from './fixtures/in-memory/app.module';
import { settings } from './fixtures/settings';

const common = CommonModule.forRoot({ secretKey: settings.secretKey });
const users = UsersModule.forRoot({ overrides: inMemoryStores.users });
const auth = AuthModule.forRoot({ overrides: inMemoryStores.auth });
const passwordReset = PasswordResetModule.forRoot({
  resetUrl: settings.resetUrl,
  requestUrl: settings.requestUrl,
  overrides: inMemoryStores.passwordReset,
});

/** What the start of a host says about limits. */
async function warningsOf(imports: ModuleMetadata['imports']): Promise<string[]> {
  const warnings: string[] = [];
  const silent = () => undefined;
  const logger: LoggerService = {
    log: silent,
    error: silent,
    warn: (message: string) => warnings.push(message),
  };
  const app = await Test.createTestingModule({ imports }).setLogger(logger).compile();
  await app.init();
  await app.close();
  return warnings;
}

describe('a host without limits', () => {
  it.each([
    ['sign-in', [auth]],
    ['reset', [passwordReset]],
    ['both', [auth, passwordReset]],
  ])('is told at the start, once, and how to mend it: %s', async (_, modules) => {
    expect(await warningsOf([InMemoryModule, common, users, ...modules])).toEqual([
      expect.stringMatching(/^Nothing is limited: .* Import LimitsModule\.forRoot\(\)\.$/),
    ]);
  });

  it('hears nothing of it in its tests, where the testing kit leaves limits out on purpose', async () => {
    const written = [process.stdout, process.stderr].map((stream) => jest.spyOn(stream, 'write'));
    const app = await Test.createTestingModule({ imports: [InMemoryHost] }).compile();
    await app.init();
    await app.close();
    const count = written.reduce((calls, spy) => calls + spy.mock.calls.length, 0);
    jest.restoreAllMocks();
    expect(count).toBe(0);
  });
});

it('a host with limits is not warned', async () => {
  expect(
    await warningsOf([InMemoryModule, InMemoryLimitsModule, common, users, auth, passwordReset]),
  ).toEqual([]);
});
