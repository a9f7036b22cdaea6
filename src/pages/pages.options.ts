/** What the pages need to know about the site. */
export class PagesOptions {
  /** Address under which browsers see this server, e.g. `https://id.example.com`; https makes every cookie `Secure`. */
  publicUrl!: string;
  /** How the application calls itself in titles and texts. */
  appName = 'Latchkey';
  /** Shown beside the field for a new password; the same as in the options of `users`, which decide. */
  passwordMinLength = 15;
}
