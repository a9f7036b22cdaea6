import { sourceKey } from './source-key';

describe('one source', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107', '0:0:0:0:0:FFFF:cb00:7107']],
    [
      '2001:db8:1:2::/64',
      ['2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:1%eth0'],
    ],
    ['0:0:0:0::/64', ['::1', '::2']],
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
  ])('is not another: %s and %s', (one, other) => expect(sourceKey(one)).not.toBe(sourceKey(other)));

  it('is all 300 addresses that a client takes out of its /64', () => {
    const keys = Array.from({ length: 300 }, (_, n) => sourceKey(`2001:db8::${n.toString(16)}:1`));
    expect(new Set(keys).size).toBe(1);
  });
});
