/** What a host application may import. Everything else may change without notice. */
export * from './account';
export * from './audit';
export * from './auth';
export * from './common';
export * from './database';
export * from './jobs';
export * from './limits';
export * from './mail';
export * from './password-reset';
export * from './registration';
export { latchkeyEntities, latchkeyQueues, migrate } from './schema';
export { letEventLoopGoFirst } from './thread-pool';
export * from './users';
