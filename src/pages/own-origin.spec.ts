import { comesFromOwnOrigin, otherOwnOrigin } from './own-origin';

const OURS = 'https://id.example.com';

describe('comesFromOwnOrigin', () => {
  it.each([
    ['what a browser sends from our pages, which send no referrer', 'null', 'same-origin'],
    ['what a browser sends where referrers are allowed', OURS, 'same-origin'],
    ['an old browser', OURS, undefined],
    ['an old browser on a page that sends no referrer; the token decides', 'null', undefined],
    ['a client that says nothing; the token decides', undefined, undefined],
    ['a form sent again by its user', undefined, 'none'],
  ])('accepts %s', (_, origin, site) => {
    expect(comesFromOwnOrigin({ origin, 'sec-fetch-site': site }, OURS)).toBe(true);
  });

  it.each([
    ['another site', 'https://evil.example', 'cross-site'],
    ['another site in an old browser', 'https://evil.example', undefined],
    ['another host of the same domain', 'https://www.example.com', 'same-site'],
    ['another site that hides its origin', 'null', 'cross-site'],
    ['a look-alike', 'https://id.example.com.evil.example', undefined],
    ['another scheme', 'http://id.example.com', undefined],
    ['another port', 'https://id.example.com:8443', undefined],
    ['contradictory headers', 'https://evil.example', 'same-origin'],
    ['a word that is not in the standard', undefined, 'maybe'],
  ])('refuses %s', (_, origin, site) => {
    expect(comesFromOwnOrigin({ origin, 'sec-fetch-site': site }, OURS)).toBe(false);
  });
});

describe('otherOwnOrigin', () => {
  it('is the address of this server under which the page was opened', () => {
    const headers = { origin: 'http://192.168.1.20:3100', host: '192.168.1.20:3100' };
    expect(otherOwnOrigin(headers)).toBe('http://192.168.1.20:3100');
  });

  it.each([undefined, 'null', 'https://evil.example', 'no address'])(
    'is nothing where the origin is %p',
    (origin) => expect(otherOwnOrigin({ origin, host: 'id.example.com' })).toBeUndefined(),
  );
});
