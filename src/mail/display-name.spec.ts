import { displayName } from './display-name';

describe('displayName', () => {
  it.each(['susan', 'Dr. Smith', "Conan O'Brien Jr.", '王小明', 'José', 'محمد', '👩‍💻 dev'])(
    'leaves %p as it is',
    (name) => expect(displayName(name)).toBe(name),
  );

  it.each([
    ['http://evil.example/x', 'http evil example x'],
    ['www.evil.example', 'www evil example'],
    ['evil.com', 'evil com'],
    ['evil。com', 'evil com'],
    ['evil．com', 'evil com'],
    ['evil․com', 'evil com'],
    ['susan@evil.example', 'susan evil example'],
    ['https:\\\\evil.example', 'https evil example'],
    ['mailto:susan', 'mailto susan'],
    ['evil\u200b.\u200bcom', 'evil com'],
    ['evil.\u200dcom', 'evil \u200dcom'],
  ])('keeps %p from becoming a link', (name, shown) => expect(displayName(name)).toBe(shown));

  it('stays on one line', () => {
    expect(displayName('susan\r\nBcc: x\u2028y\tz\0')).toBe('susan Bcc: x y z');
  });

  it('does not turn the reading direction', () => {
    expect(displayName('susan\u202egro.live\u2066\u200f')).toBe('susangro live');
  });

  it('leaves markup to the template, which escapes it', () => {
    expect(displayName('<b>susan</b>')).toBe('<b>susan< b>');
  });
});
