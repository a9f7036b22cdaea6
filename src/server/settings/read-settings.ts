import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { parseEnv } from 'node:util';
import { findProblems } from '../../common';
import { combinedProblems, embeddedProblems } from './checks';
import { SettingDescription, settingDescriptions } from './setting.decorators';
import { Settings } from './settings';
import { nameWarnings, settingWarnings } from './warnings';

/** Settings are wrong; the message names each wrong variable and the fix, never its value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(readonly problems: string[]) {
    super(problems.join('\n'));
  }
}

type Variables = Record<string, string | undefined>;

/**
 * Reads and checks the settings of this process: its environment and, for what is not set there, the file `.env` of the
 * working folder.
 * @throws SettingsError, which names misspelled settings too: they may be what is missing
 */
export function loadSettings(): Settings {
  const file = existsSync('.env') ? readEnvFile('.env') : {};
  for (const [name, value] of Object.entries(file)) process.env[name] ??= value;
  const misspelled = nameWarnings(process.env, Object.keys(file));
  try {
    const settings = readSettings(process.env);
    return { ...settings, warnings: [...misspelled, ...settings.warnings] };
  } catch (error) {
    throw error instanceof SettingsError ? new SettingsError([...error.problems, ...misspelled]) : error;
  }
}

/**
 * Reads and checks settings.
 * @throws SettingsError
 */
export function readSettings(variables: Variables): Settings {
  const given = settingDescriptions.flatMap((setting) => {
    const text = textOf(setting, variables);
    return text ? [{ ...setting, text }] : [];
  });
  const values = given.map(({ key, type, text }) => [key, convert(text, type)] as const);
  const settings = Object.assign(new Settings(), Object.fromEntries(values));
  const problems = [
    ...findProblems(settings).map(([key, problem]) => `${nameOf(key)}: ${problem}`),
    ...given
      .filter(isQuoted)
      .map(({ name }) => `${name}: must have no quotes around it, here they are part of the value`),
    ...combinedProblems(settings),
  ];
  // Which parts a wrong address would open is not known.
  if (problems.length === 0) problems.push(...embeddedProblems(settings));
  if (problems.length > 0) throw new SettingsError(problems);
  return { ...complete(settings), warnings: settingWarnings(settings, variables['PGSSLMODE']) };
}

/**
 * The text of a variable. An empty one counts as not set: that is how compose files and .env files leave things out. Space and
 * line ends around it come from files and shells, and are never meant; only of a key they may have been a part already.
 */
function textOf({ name, secret }: SettingDescription, variables: Variables): string | undefined {
  const text = variables[name]?.trim();
  return text && secret === 'key' ? variables[name] : text;
}

function convert(text: string, type: unknown): unknown {
  if (type === Number) return Number(text);
  // True by any word but the usual ones for "no".
  if (type === Boolean) return !/^(0|false|no|off)$/i.test(text);
  if (type === Array)
    return text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean);
  return text;
}

/** `docker --env-file` and Kubernetes leave quotes in a value that a shell and a file `.env` take away. */
function isQuoted({ secret, text }: SettingDescription & { text: string }): boolean {
  return secret !== 'key' && /^(["']).*\1$/s.test(text);
}

function nameOf(key: string): string {
  return settingDescriptions.find((setting) => setting.key === key)!.name;
}

/** Fills in what follows from other settings. */
function complete(settings: Settings): Settings {
  const { environment, port, resetUrl, mailEhloName, apiDocs } = settings;
  const publicUrl = withAsciiHost(settings.publicUrl ?? `http://localhost:${port}`).replace(/\/$/, '');
  const autoApiDocs = environment === 'production' ? 'off' : 'on';
  return {
    ...settings,
    publicUrl,
    resetUrl: resetUrl ? withAsciiHost(resetUrl) : `${publicUrl}/reset_password/{token}`,
    mailEhloName: mailEhloName ? asciiHost(mailEhloName) : fullHostName(publicUrl),
    apiDocs: apiDocs === 'auto' ? autoApiDocs : apiDocs,
  };
}

/** A name that others can resolve, if there is one: not that of this machine, such as `localhost`. */
function fullHostName(url: string): string | undefined {
  const { hostname } = new URL(url);
  return hostname.includes('.') && !isIP(hostname) ? hostname : undefined;
}

/** Links stand in texts and headers; as A-labels (RFC 5890) they are read alike by every mail program. */
function withAsciiHost(url: string): string {
  return url.replace(
    /^(https?:\/\/)([^/:?#@]+)/i,
    (_, scheme: string, host: string) => scheme + asciiHost(host),
  );
}

function asciiHost(host: string): string {
  return domainToASCII(host) || host;
}

/**
 * Reads a file such as `.env` as editors save it: the mark that Windows editors put before UTF-8 is not part of the first name.
 * @throws SettingsError for another encoding, in which it would have other names, or none
 */
function readEnvFile(path: string): Variables {
  const text = decode(readFileSync(path));
  // Text of UTF-16 without its mark is UTF-8 full of NULs.
  if (text === undefined || text.includes('\0'))
    throw new SettingsError([`${path}: must be saved as UTF-8; choose that encoding in your editor`]);
  return parseEnv(text);
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
