import type { User } from '../../src/users';
import { PASSWORD, TestApp } from '../support/test-app';
import { linkedToken, mailsCausedBy, NEW_PASSWORD, postJson } from './support';

/** A kind of link that is mailed, and every way to use one. */
export interface LinkKind {
  name: string;
  /** `http://…/<page>/<token>`. */
  page: string;
  /** What the form of that page asks for. */
  form: Record<string, string>;
  /** The routes that take its token, with the other fields they need; the last one spends the link. */
  routes: [path: string, others: Record<string, string>][];
  /** Fulfilled with a live one, of an account that has no other link. */
  mail(server: TestApp): Promise<MailedLink>;
}

export interface MailedLink {
  token: string;
  /** Whose account it is about; `undefined` where nobody has proven to have one. */
  user?: User;
}

const NEW_PASSWORDS = { password: NEW_PASSWORD, password2: NEW_PASSWORD };

/** Where a new address is confirmed, by who knows the password of the account. */
export const CONFIRM_EMAIL: LinkKind['routes'][number] = [
  '/api/email-change/confirm',
  { password: PASSWORD },
];

export const LINK_KINDS: LinkKind[] = [
  {
    name: 'reset',
    page: 'reset_password',
    form: NEW_PASSWORDS,
    routes: [
      ['/api/password-reset/verify', {}],
      ['/api/password-reset/confirm', { password: NEW_PASSWORD }],
    ],
    mail: async (server) => {
      const user = await server.createUser();
      return { user, token: await server.tokenFor(user) };
    },
  },
  {
    name: 'disavowal',
    page: 'not_me',
    form: {},
    routes: [['/api/password-reset/disavow', {}]],
    mail: async (server) => {
      const user = await server.createUser();
      const [mail] = await mailsCausedBy(server, () => server.ask(user.email).expect(202));
      return { user, token: linkedToken(mail!, 'not_me') };
    },
  },
  {
    name: 'registration',
    page: 'verify_email',
    form: { password: NEW_PASSWORD },
    routes: [['/api/users/verify', { password: NEW_PASSWORD }]],
    mail: async (server) => ({ token: await register(server, someAddress()) }),
  },
  {
    name: 'change of address',
    page: 'confirm_email',
    form: { password: PASSWORD },
    routes: [CONFIRM_EMAIL],
    mail: async (server) => {
      const user = await server.createUser();
      return { user, token: (await changeAddress(server, user)).confirm };
    },
  },
  {
    name: 'stop of a change',
    page: 'cancel_email',
    form: {},
    routes: [['/api/email-change/cancel', {}]],
    mail: async (server) => {
      const user = await server.createUser();
      return { user, token: (await changeAddress(server, user)).cancel };
    },
  },
];

/** Every route that takes a token, by the kind of link it is for. */
export const TOKEN_ROUTES = LINK_KINDS.flatMap((kind) =>
  kind.routes.map(([path, others]) => ({ kind, path, others })),
);

/** Sends a token, or what is in the place of one, as JSON. */
export function useLink(
  server: TestApp,
  [path, others]: LinkKind['routes'][number],
  token: string,
  accessToken?: string,
) {
  return postJson(server, path, JSON.stringify({ ...others, token }), accessToken);
}

/** Uses a link up, as its owner does. */
export function spend(server: TestApp, { routes }: LinkKind, token: string) {
  return useLink(server, routes.at(-1)!, token);
}

let addresses = 0;

export function someAddress(): string {
  return `somebody-${process.pid}-${performance.now()}-${addresses++}@example.com`;
}

/** @returns the token of the link that the address is mailed */
export async function register(server: TestApp, email: string, password = NEW_PASSWORD): Promise<string> {
  const fields = { email, username: 'Susan', password };
  const [mail] = await mailsCausedBy(server, () =>
    postJson(server, '/api/users', JSON.stringify(fields)).expect(202),
  );
  return linkedToken(mail!, 'verify_email');
}

/** Asks for another address. @returns the tokens of the two links that are mailed, and to which address */
export async function changeAddress(
  server: TestApp,
  user: User,
  email = someAddress(),
): Promise<{ email: string; confirm: string; cancel: string }> {
  const accessToken = await server.accessTokenFor(user);
  const wish = JSON.stringify({ email, currentPassword: PASSWORD });
  const mails = await mailsCausedBy(server, () =>
    postJson(server, '/api/users/me/email', wish, accessToken).expect(202),
  );
  const mailTo = (address: string) => mails.find(({ envelope }) => envelope.to.includes(address))!;
  return {
    email,
    confirm: linkedToken(mailTo(email), 'confirm_email'),
    cancel: linkedToken(mailTo(user.email), 'cancel_email'),
  };
}
