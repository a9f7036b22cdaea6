// Adds requests for resets to the queue, through its port: so it does not matter how the queue of a checkout stores them.
// Usage: node build/bench/fill.js <folder of a checkout> <how many> <address, with {n}>   (with the settings of its server)
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import type { NestFactory as Factory } from '@nestjs/core';
import type { AppModule as Application } from '../src/app.module';
import type { Transactions as TransactionsPort } from '../src/common';
import type { JobQueue as JobQueuePort } from '../src/jobs';
import type { passwordResetQueue as Queue } from '../src/password-reset';
import type { loadSettings as Load } from '../src/server/settings';

const A_TRANSACTION = 500;

const [folder, count, address] = process.argv.slice(2) as [string, string, string];
const dist = join(folder, 'dist');
/** From the checkout, with the libraries that it has. */
const load = createRequire(join(dist, 'app.module.js'));
/** Where settings are read; the second is of older checkouts. */
const settingsFile = ['server/settings', 'env'].find((name) =>
  ['.js', '/index.js'].some((end) => existsSync(join(dist, name + end))),
)!;

const { NestFactory } = load('@nestjs/core') as { NestFactory: typeof Factory };
const { AppModule } = load('./app.module') as { AppModule: typeof Application };
const { loadSettings } = load(`./${settingsFile}`) as { loadSettings: typeof Load };
const { Transactions } = load('./common') as { Transactions: typeof TransactionsPort };
const { JobQueue } = load('./jobs') as { JobQueue: typeof JobQueuePort };
const { passwordResetQueue } = load('./password-reset') as { passwordResetQueue: typeof Queue };

async function fill(app: INestApplicationContext) {
  const [jobs, transactions] = [app.get(JobQueue), app.get(Transactions)];
  for (let n = 0; n < Number(count); n += A_TRANSACTION) {
    const end = Math.min(Number(count), n + A_TRANSACTION);
    await transactions.run(async () => {
      for (let i = n; i < end; i++)
        await jobs.enqueue(passwordResetQueue, { emailKey: address.replace('{n}', String(i)) });
    });
  }
}

async function main() {
  const settings = loadSettings() as Parameters<typeof Application.with>[0];
  const app = await NestFactory.createApplicationContext(AppModule.with(settings), { logger: ['error'] });
  await fill(app);
  await app.close();
  process.exit(0);
}

void main();
