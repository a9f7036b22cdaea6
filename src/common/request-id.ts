import { CLS_ID, ClsServiceManager } from 'nestjs-cls';
import { randomUUID } from 'node:crypto';

/** The id that joins a request, its log lines, the job it causes and the mail that job sends. */
export function currentRequestId(): string {
  return ClsServiceManager.getClsService().getId() ?? randomUUID();
}

/** Runs work under the id of the request that caused it. */
export function withRequestId<T>(requestId: string, work: () => T): T {
  const cls = ClsServiceManager.getClsService();
  return cls.run({ ifNested: 'override' }, () => {
    cls.set(CLS_ID, requestId);
    return work();
  });
}
