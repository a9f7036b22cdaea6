import { Command } from 'commander';
import { migrate } from '../../migrate';
import { withServices } from './application';
import { parseLimit } from './arguments';
import { print, report } from './output';

/** `migrate`: brings the tables up to date. */
export const migrateCommand = new Command('migrate')
  .description('bring the tables of the database up to date')
  .option('--wait <seconds>', 'how long to wait for another migration to finish', parseLimit, 600)
  .action(async ({ wait: waitSeconds }: { wait: number }) => {
    const done = await withServices(({ settings }) =>
      migrate(settings.databaseUrl, { waitSeconds, onWait: report }),
    );
    print(done.length > 0 ? `Done: ${done.join(', ')}` : 'The database is up to date.');
  });
