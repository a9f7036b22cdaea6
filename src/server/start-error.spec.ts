import { QueryFailedError } from 'typeorm';
import { SettingsError } from './settings';
import { explainStartError } from './start-error';

const failure = (fields: object, message = 'the driver\u2019s own words') =>
  Object.assign(new Error(message), fields);

describe('explainStartError', () => {
  it.each([
    [
      'a port in use',
      { code: 'EADDRINUSE', address: '127.0.0.1', port: 3000 },
      /127\.0\.0\.1:3000 is in use.*PORT/,
    ],
    ['an address of another machine', { code: 'EADDRNOTAVAIL', address: '192.0.2.1' }, /192\.0\.2\.1.*HOST/],
    ['a port below 1024', { code: 'EACCES', address: '0.0.0.0', port: 80 }, /listen on port 80.*PORT/],
    ['a folder of another user', { code: 'EACCES', path: '/data' }, /\/data is not readable.*owner or mode/],
    ['a read-only folder', { code: 'EROFS', path: '/data' }, /\/data is on a read-only file system/],
    ['a read-only folder without a name', { code: 'EROFS' }, /\.data is on a read-only file system/],
    ['no database server', { code: 'ECONNREFUSED', port: 5432 }, /does not answer.*DATABASE_URL/],
    [
      'an unknown host',
      { code: 'ENOTFOUND', hostname: 'db' },
      /host db is unknown.*name in DATABASE_URL or HOST/,
    ],
    ['a host that never answers', { code: 'ETIMEDOUT' }, /in time.*host and port in DATABASE_URL/],
    ['a wrong password', { code: '28P01' }, /refuses the user or password.*DATABASE_URL/],
    ['a user without access', { code: '28000' }, /refuses this user.*pg_hba/],
    ['a missing database', { code: '3D000' }, /does not exist\. Create it first/],
  ])('tells what to do about %s', (_, fields, explanation) => {
    const text = explainStartError(failure(fields));
    expect(text).toMatch(explanation);
    expect(text).not.toContain('driver\u2019s own words');
  });

  it.each([
    [
      '42501',
      'permission denied for schema public',
      /says: permission denied for schema public\. .*GRANT CREATE/,
    ],
    ['08P01', 'unsupported startup parameter: x', /pooler.*unsupported startup parameter: x.*docs\/run\.md/],
    ['53300', 'sorry, too many clients already', /no free connection.*DATABASE_POOL_SIZE.*max_connections/],
    ['57P03', 'the database system is starting up', /starting up.*again in a moment/],
    ['25006', 'cannot execute CREATE TABLE in a read-only transaction', /read-only.*primary/],
    ['28000', 'no pg_hba.conf entry for host "x", no encryption', /only encrypted.*sslmode=require/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', /sslrootcert.*NODE_EXTRA_CA_CERTS/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in chain', /sslrootcert.*NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify', /sslrootcert.*NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get', /sslrootcert.*NODE_EXTRA_CA_CERTS/],
    ['CERT_HAS_EXPIRED', 'certificate has expired', /has expired\. Renew/],
    ['42P01', 'relation "latchkey.jobs" does not exist', /npm run cli -- migrate/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname does not match', /another host.*DATABASE_URL/],
  ])('names the fix for an error of a managed database: %s %s', (code, message, explanation) => {
    expect(explainStartError(failure({ code }, message))).toMatch(explanation);
  });

  it.each([
    ['timeout expired', /does not answer in time/],
    ['Connection terminated due to connection timeout', /does not answer in time/],
    [
      'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
      /requires a password.*DATABASE_URL/,
    ],
    ['Connection terminated unexpectedly', /hangs up.*host and port/],
    ['The server does not support SSL connections', /sslmode in DATABASE_URL/],
  ])('knows the words of a driver: %s', (message, explanation) => {
    expect(explainStartError(new Error(message))).toMatch(explanation);
  });

  it('finds the cause inside of what wraps it', () => {
    const refused = failure({ code: 'ECONNREFUSED' });
    const wrapped = [
      new Error('outer', { cause: refused }),
      new Error('outer', { cause: new Error('middle', { cause: refused }) }),
      // Node, for a host with several addresses.
      new AggregateError([failure({ code: 'EOTHER' }), refused]),
      new QueryFailedError('SELECT 1', [], refused),
    ];
    for (const error of wrapped) expect(explainStartError(error)).toMatch(/DATABASE_URL/);
  });

  it('tells every problem of the settings, a line each', () => {
    expect(explainStartError(new SettingsError(['PORT: must be a number', 'ROLE: must be one of']))).toBe(
      'PORT: must be a number\nROLE: must be one of',
    );
  });

  it.each([
    ['an error that it does not know', failure({ code: 'EWHATEVER' }), 'the driver\u2019s own words'],
    ['a text', 'out of order', 'out of order'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
  ])('says of %s what there is to say, without a stack', (_, error, text) => {
    expect(explainStartError(error)).toBe(text);
  });
});
