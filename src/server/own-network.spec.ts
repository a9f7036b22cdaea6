import { isFromInside } from './own-network';

describe('a caller is from inside', () => {
  it.each([
    '127.0.0.1',
    '::1',
    '::ffff:10.0.0.7',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.20',
    'fd00::7',
    'fe80::1%eth0',
  ])('at %s', (ip) => expect(isFromInside({ ip, headers: {} })).toBe(true));

  it.each(['203.0.113.7', '172.32.0.1', '2001:db8::1', '::ffff:203.0.113.7', 'unknown', ''])(
    'not at %p',
    (ip) => expect(isFromInside({ ip, headers: {} })).toBe(false),
  );

  it.each(['x-forwarded-for', 'forwarded', 'via'])('not behind a proxy that says so in %s', (name) =>
    expect(isFromInside({ ip: '127.0.0.1', headers: { [name]: '' } })).toBe(false),
  );
});
