import { networkKey, sourceKey } from './source-key';

describe('one source', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107', '0:0:0:0:0:FFFF:cb00:7107']],
    [
      '2001:db8:1:2::/64',
      ['2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:1%eth0'],
    ],
    ['0:0:0:0::/64', ['::1', '::2']],
    // Translated or tunneled: NAT64 (also of one's own prefix), 6to4, Teredo (RFC 4380 writes the address inverted).
    ['203.0.113.7', ['64:ff9b::203.0.113.7', '64:FF9B::cb00:7107', '64:ff9b:1:fffe::cb00:7107']],
    ['203.0.113.7', ['2002:cb00:7107::1', '2002:cb00:7107:1:2:3:4:5', '2001:0:c000:201:0:63bf:34ff:8ef8']],
    [
      'unknown',
      ['unknown', '', '_hidden', 'for=203.0.113.7', '203.0.113.7, 203.0.113.8', 'x'.repeat(10_000)],
    ],
  ])('is %s, written %j', (key, spellings) => {
    expect(spellings.map(sourceKey)).toEqual(spellings.map(() => key));
  });

  it.each([
    ['203.0.113.7', '203.0.113.8'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['::ffff:203.0.113.7', '::ffff:203.0.113.8'],
    ['64:ff9b::203.0.113.7', '64:ff9b::203.0.113.8'],
    ['2001:0:c000:201::34ff:8ef8', '2001:0:c000:201::34ff:8ef9'],
    ['2001:1::203.0.113.7', '203.0.113.7'],
    ['64:ff9b:2::203.0.113.7', '203.0.113.7'],
    ['64:ff9b:0:1::203.0.113.7', '203.0.113.7'],
  ])('is not another: %s and %s', (one, other) => expect(sourceKey(one)).not.toBe(sourceKey(other)));

  it('is all 300 addresses that a client takes out of its /64', () => {
    const keys = Array.from({ length: 300 }, (_, n) => sourceKey(`2001:db8::${n.toString(16)}:1`));
    expect(new Set(keys).size).toBe(1);
  });
});

describe('one network', () => {
  it('is the /48 of an IPv6 address', () => {
    const spellings = ['2001:db8:1::1', '2001:DB8:1:ffff::', '2001:db8:1:2:3:4:5:6%eth0'];
    expect(spellings.map(networkKey)).toEqual(spellings.map(() => '2001:db8:1::/48'));
    expect(networkKey('2001:db8:2::1')).toBe('2001:db8:2::/48');
  });

  it.each(['203.0.113.7', '::ffff:203.0.113.7', '64:ff9b::203.0.113.7', '2002:cb00:7107::1', 'unknown', ''])(
    'is not that of %j, which is one source',
    (ip) => expect(networkKey(ip)).toBeUndefined(),
  );
});
