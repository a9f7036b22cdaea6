import { codesAndStepOf, codesOf, isAboutRecipient, isPermanent, SmtpReply } from './smtp-reply';

/** A reply as nodemailer reports it. */
function reply(step: string, response: string): SmtpReply {
  const responseCode = Number(response.slice(0, 3));
  if (step === 'TEXT') return { responseCode, response, command: 'DATA', code: 'EMESSAGE' };
  const code = /MAIL|RCPT|DATA/.test(step) ? 'EENVELOPE' : step.startsWith('AUTH') ? 'EAUTH' : 'EPROTOCOL';
  return { responseCode, response, command: step, code };
}

describe('a reply of a mail server is about the recipient', () => {
  it.each([
    ['RCPT TO', '550 5.1.1 The email account that you tried to reach does not exist'],
    ['RCPT TO', '550-5.1.1 The email account that you tried to reach\n550 5.1.1 does not exist'],
    ['RCPT TO', '550 5.1.2 no such domain'],
    ['RCPT TO', '501 5.1.3 Bad recipient address syntax'],
    ['RCPT TO', '551 5.1.6 moved'],
    ['RCPT TO', '550 5.1.10 RESOLVER.ADR.RecipientNotFound'],
    ['RCPT TO', '550 5.2.1 The email account that you tried to reach is disabled'],
    ['RCPT TO', '552 5.2.2 The email account that you tried to reach is over quota'],
    ['RCPT TO', '553 5.6.7 non-ASCII addresses are not permitted'],
    ['RCPT TO', '550 No such user here'],
    ['RCPT TO', '550 <relay@example.com>: unknown user'],
    ['RCPT TO', '551 user not local'],
    ['RCPT TO', '553 mailbox name not allowed'],
    ['TEXT', '550 5.2.1 mailbox disabled'],
  ])('for good: %s, %s', (step, response) => {
    expect(isAboutRecipient(reply(step, response))).toBe(true);
    expect(isPermanent(reply(step, response))).toBe(true);
  });

  it.each([
    ['RCPT TO', '450 4.2.1 The user you are trying to contact is receiving mail too quickly'],
    ['RCPT TO', '452 4.2.2 mailbox full'],
    ['RCPT TO', '450 4.2.0 Greylisted'],
    ['RCPT TO', '451 4.7.1 Greylisting in action, please come back later'],
    ['RCPT TO', '450 mailbox busy'],
    ['RCPT TO', '550 4.2.2 says one thing and another'],
    ['TEXT', '451 try again later'],
  ])('for now: %s, %s', (step, response) => {
    expect(isAboutRecipient(reply(step, response))).toBe(true);
    expect(isPermanent(reply(step, response))).toBe(false);
  });
});

describe('a reply of a mail server is about us', () => {
  it.each([
    ['CONN', '554 no SMTP service here'],
    ['CONN', '421 4.3.2 too busy'],
    ['EHLO', '421 4.7.0 Try again later, closing connection'],
    ['EHLO', '550 5.7.1 you have no name'],
    ['STARTTLS', '454 4.7.0 TLS not available'],
    ['AUTH PLAIN', '535 5.7.8 Username and Password not accepted'],
    ['AUTH LOGIN', '534 5.7.9 Application-specific password required'],
    ['MAIL FROM', '530 5.7.0 Authentication required'],
    ['MAIL FROM', '550 5.4.5 Daily user sending limit exceeded'],
    ['MAIL FROM', '553 5.1.8 sender rejected'],
    ['MAIL FROM', '553 sender rejected'],
    ['MAIL FROM', '550 5.1.1 a sender that is no mailbox'],
    ['MAIL FROM', '452 4.3.1 disk full'],
    ['RCPT TO', '530 authentication required'],
    ['RCPT TO', '550 5.4.5 Daily user sending limit exceeded'],
    ['RCPT TO', '554 5.7.0 limit exceeded'],
    ['RCPT TO', '554 5.7.1 Relay access denied'],
    ['RCPT TO', '550 relay not permitted'],
    ['RCPT TO', '550 5.7.60 SMTP; Client does not have permissions to send as this sender'],
    ['RCPT TO', '550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP'],
    ['RCPT TO', '550 5.1.7 bad sender address syntax'],
    ['RCPT TO', '550 5.1.90 Your message cannot be sent because you have reached your daily limit'],
    ['RCPT TO', '550 5.2.0 quota'],
    ['RCPT TO', '554 no'],
    ['RCPT TO', '454 Throttling failure: Maximum sending rate exceeded'],
    ['RCPT TO', '421 4.7.0 TLS required, closing connection'],
    ['RCPT TO', '550 5.1.11 not 5.1.1'],
    ['RCPT TO', '550 5.7.1 quotes 5.1.1 elsewhere'],
    ['DATA', '550 5.1.1 before there was a text'],
    ['DATA', '451 4.3.0 not now'],
    ['TEXT', '554 Message rejected: Email address is not verified'],
    ['TEXT', '550 5.4.5 Daily user sending limit exceeded'],
    ['TEXT', '550 5.7.26 Unauthenticated email is not accepted due to domain DMARC policy'],
    ['TEXT', '552 5.3.4 message too big for the system'],
    ['TEXT', '454 Throttling failure: Daily message quota exceeded'],
  ])('%s, %s', (step, response) => {
    expect(isAboutRecipient(reply(step, response))).toBe(false);
  });
});

it('of a reply the codes are kept, and what was answered; never a word of the server', () => {
  const refusal = reply('AUTH PLAIN', '535 5.7.8 susan@example.com may not');
  expect(codesOf(refusal)).toBe('535 5.7.8');
  expect(codesAndStepOf(refusal)).toBe('535 5.7.8 at AUTH');
  expect(codesAndStepOf({ responseCode: 554, response: '554' })).toBe('554 at CONN');
  expect(codesAndStepOf(reply('RCPT TO', '550 no 5.1.1'))).toBe('550 at RCPT');
});
