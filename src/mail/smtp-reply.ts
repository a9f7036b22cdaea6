/** A negative reply of a mail server, as nodemailer reports it. */
export interface SmtpReply {
  responseCode: number;
  /** The whole reply; it may quote addresses and account names, so it is read here and kept nowhere. */
  response?: string;
  /** What it answers: `CONN` (the greeting), `EHLO`, `STARTTLS`, `AUTH PLAIN`, `MAIL FROM`, `RCPT TO`, `DATA`. */
  command?: string;
  /** `EMESSAGE` for a reply to the text of the mail, which shares the command `DATA` with the one before it. */
  code?: string;
}

/**
 * Enhanced status codes (subject and detail) that speak of the recipient and of nothing else, whatever reply code comes with
 * them: RFC 3463, sections 3.2 and 3.3; RFC 7505 (1.10); RFC 6531 (6.7); RFC 7293 (7.17, 7.18). See
 * https://www.iana.org/assignments/smtp-enhanced-status-codes.
 *
 * Left out on purpose is what is about us, or used for both by the large providers. Of the sender: 1.7, 1.8. Undefined: 1.0,
 * 2.0. Quotas and limits: 4.5 and 7.0 (Gmail), 1.90 (Exchange Online). Systems and protocols: 3.x, 4.x, 5.x. Policy, spam,
 * authentication, reputation: all others of 7.x (Gmail 7.1, 7.25 to 7.28; Exchange Online 7.1, 7.60, 7.501 to 7.750).
 * See https://support.google.com/a/answer/3726730 and
 * https://learn.microsoft.com/exchange/troubleshoot/email-delivery/ndr/non-delivery-reports-in-exchange-online.
 */
const ABOUT_RECIPIENT = new Set([
  ...['1.1', '1.2', '1.3', '1.4', '1.6', '1.10'],
  ...['2.1', '2.2', '2.3', '2.4'],
  ...['6.7', '7.17', '7.18'],
]);

/** To RCPT and without an enhanced status: no such mailbox, not local, no valid name (RFC 5321, section 4.2.3). */
const NO_SUCH_MAILBOX = new Set([550, 551, 553]);

/** The service as a whole: it closes, or cannot go on for now (RFC 5321, 3.8; RFC 3207, 4; the throttling of Amazon SES). */
const ABOUT_SERVICE = new Set([421, 454]);

/** Servers without enhanced status codes say in words that it is us whom they refuse ("550 relay not permitted"). */
const WORDS_ABOUT_US = /relay|auth|sender|policy|spam|block|limit|quota/i;

/**
 * Whether a reply is about this one recipient. What is not says nothing of the mail: it concerns the server, our settings
 * or our standing, and every other mail would fare alike. In doubt it is about us: a mail that is tried once more costs
 * little, one that is dropped shuts somebody out.
 */
export function isAboutRecipient(reply: SmtpReply): boolean {
  const { responseCode, code, command } = reply;
  const toRecipient = command === 'RCPT TO';
  if (!toRecipient && code !== 'EMESSAGE') return false;
  if (ABOUT_SERVICE.has(responseCode)) return false;
  const status = statusOf(reply);
  if (status) return ABOUT_RECIPIENT.has(status.slice(2)) || isGreylisting(responseCode, status);
  if (responseCode < 500) return true;
  // After the text, Amazon SES says "554 Message rejected" of a sender that is not verified, and of an account that is paused.
  return toRecipient && NO_SUCH_MAILBOX.has(responseCode) && !WORDS_ABOUT_US.test(wordsOf(reply));
}

/** Whether to try again is useless. A server that contradicts itself ("550 4.2.2") is tried again. */
export function isPermanent(reply: SmtpReply): boolean {
  return reply.responseCode >= 500 && !statusOf(reply)?.startsWith('4');
}

/** A reply as it may be kept: `550 5.1.1`, without the words of the server. */
export function codesOf(reply: SmtpReply): string {
  return [reply.responseCode, statusOf(reply)].filter(Boolean).join(' ');
}

/** As {@link codesOf}, with what was answered: `535 5.7.8 at AUTH`. */
export function codesAndStepOf(reply: SmtpReply): string {
  return `${codesOf(reply)} at ${/^[A-Z]+/.exec(reply.command ?? '')?.[0] ?? 'CONN'}`;
}

/** Where RFC 2034, section 4, puts it, and nowhere else in the text. */
function statusOf({ response = '' }: SmtpReply): string | undefined {
  return /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(response)?.[1];
}

/** "Come again in some minutes", as every first mail hears from some servers: there is nothing to mend. */
function isGreylisting(responseCode: number, status: string): boolean {
  return responseCode < 500 && /^4\.(2\.0|7\.1)$/.test(status);
}

/** The address that is quoted may have any of these words in it. */
function wordsOf({ response = '' }: SmtpReply): string {
  return response.replace(/\S+@\S+/g, '');
}
