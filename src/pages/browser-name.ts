import Bowser from 'bowser';

/**
 * A browser as its owner would call it, e.g. "Firefox · Windows".
 * @returns what the client calls itself if it is no known browser; `undefined` if it says nothing
 */
export function browserName(userAgent: string | null | undefined): string | undefined {
  if (!userAgent) return undefined;
  const { browser, os, platform } = Bowser.parse(userAgent);
  if (!browser.name) return userAgent;
  const device = os.name === 'iOS' ? platform.model : os.name;
  return [browser.name.replace(' for Android', ''), device].filter(Boolean).join(' · ');
}
