/** How long people stay signed in. */
export class AuthOptions {
  /** Seconds from sign-in to the end of a session, used or not. */
  sessionTtlSeconds = 43_200;
}
