import { IsHttpsInProduction, IsPublicUrl } from '../common';

/** The site that the pages belong to. */
export class PagesOptions {
  /** Address under which browsers see this server, e.g. `https://id.example.com`; https makes every cookie `Secure`. */
  @IsPublicUrl()
  @IsHttpsInProduction()
  publicUrl!: string;
}
