import { isLoopback, isRealSender, parseEmailAddress } from '../../common';
import type { Settings } from './settings';

/** What is created or started where it is not set, and what to set instead. */
const EMBEDDED = [
  ['DATABASE_URL', 'databaseUrl', 'a PostgreSQL server'],
  ['MAIL_SERVER', 'mailServer', 'a mail server'],
  ['SECRET_KEY', 'secretKey', 'openssl rand -base64 48'],
] as const;

/** What no single setting can know: problems of settings that each are right. */
export function combinedProblems(settings: Settings): string[] {
  return [...loginProblems(settings), ...tlsProblems(settings), ...productionProblems(settings)];
}

/** Settings that only make sense together. */
function loginProblems({ mailServer, mailUsername, mailPassword }: Settings): string[] {
  const problems: string[] = [];
  if (mailUsername && !mailPassword)
    problems.push(
      'MAIL_PASSWORD: must be set where MAIL_USERNAME is; the mail server would refuse the login',
    );
  if (mailPassword && !mailUsername)
    problems.push('MAIL_USERNAME: must be set where MAIL_PASSWORD is; without it nobody logs in');
  if (mailUsername && !mailServer)
    problems.push('MAIL_SERVER: must be set where MAIL_USERNAME is; without it no mail leaves');
  return problems;
}

/** TLS that is switched off where it cannot be. */
function tlsProblems({ mailPort, mailUseTls, mailUsername }: Settings): string[] {
  if (mailUseTls !== false) return [];
  const problems: string[] = [];
  if (mailPort === 465)
    problems.push('MAIL_USE_TLS: must not be off where MAIL_PORT is 465, which is TLS from the first byte');
  if (mailUsername)
    problems.push(
      'MAIL_USE_TLS: must not be off where MAIL_USERNAME is set, or the password travels in clear text',
    );
  return problems;
}

/** What is good enough to try the program out, and nowhere else; other rules for production are decorators of settings. */
function productionProblems(settings: Settings): string[] {
  if (settings.environment !== 'production') return [];
  const problems = EMBEDDED.filter(([, key]) => !settings[key]).map(
    ([name, , what]) => `${name}: must be set in production (${what})`,
  );
  if (!settings.publicUrl?.startsWith('https://'))
    problems.push('PUBLIC_URL: must be an https URL in production');
  const [sender] = settings.admins;
  if (parseEmailAddress(sender) && !isRealSender(sender))
    problems.push('ADMINS: must be set in production, to the address that mails are sent from');
  return problems;
}

/**
 * People who reach the embedded mailbox read every link, and the demo account has a known password: whatever `NODE_ENV`
 * says, they are for this computer only.
 */
export function embeddedProblems(settings: Settings): string[] {
  const open = openAddresses(settings);
  if (open.length === 0 || settings.environment === 'production') return [];
  return EMBEDDED.filter(([, key]) => !settings[key]).map(
    ([name, , what]) =>
      `${name}: must be set (${what}), because ${open.join(' and ')} would let others in; ` +
      'to try things out on embedded parts, leave HOST and PUBLIC_URL out, or on 127.0.0.1 and http://localhost',
  );
}

/** The variables by which others than this computer reach the server. */
export function openAddresses({ host, publicUrl }: Settings): string[] {
  const hosts = { HOST: host, PUBLIC_URL: hostOf(publicUrl) };
  return Object.entries(hosts)
    .filter(([, name]) => name !== undefined && !isLoopback(name))
    .map(([variable]) => variable);
}

/** @returns the host of a URL; `undefined` where there is no URL, or a wrong one, which has its own error */
export function hostOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined;
}
