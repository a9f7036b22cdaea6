import { requestSource } from './request-source';

describe('the address of a source', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.7', '::ffff:203.0.113.7', '203.0.113.7:443', '[::ffff:203.0.113.7]:50123']],
    ['2001:db8::1', ['2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:50123', '2001:db8::1%eth0']],
    [
      'unknown',
      [
        '',
        '_hidden',
        'for=203.0.113.7',
        '203.0.113.7, 203.0.113.8',
        'evil.example',
        '::1 evil.example',
        '999.1.1.1',
      ],
    ],
  ])('is %s, written %j', (ip, spellings) => {
    expect(spellings.map((spelling) => requestSource({ ip: spelling }).ip)).toEqual(spellings.map(() => ip));
  });

  it('has nothing in it of the name of an interface', () => {
    expect(requestSource({ ip: 'fe80::1%www.evil.example' }).ip).toBe('fe80::1');
  });

  it('is not made up where there is none', () => expect(requestSource({}).ip).toBe('unknown'));
});
