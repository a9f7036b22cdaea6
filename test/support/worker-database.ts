/** Chooses the database of this worker; see `global-setup.ts`. */
process.env['TEST_DATABASE_URL'] = process.env[`TEST_DATABASE_URL_${process.env['JEST_WORKER_ID']}`];
