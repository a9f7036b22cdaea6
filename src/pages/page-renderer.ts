import { Injectable } from '@nestjs/common';
import { join } from 'node:path';
import { Templates, toMinute, viewsDirectory } from '../common';
import type { PageData, PageFrame, PageName } from './page-data';

/** Makes the HTML of a page. A page with wrong or missing data does not compile. */
@Injectable()
export class PageRenderer {
  private readonly templates = new Templates(join(viewsDirectory, 'pages'));

  render<Name extends PageName>(name: Name, page: PageData[Name], frame: PageFrame): Promise<string> {
    const { lang, t, appName, signedIn, csrf, flash } = frame;
    return this.templates.render(name, { lang, t, toMinute, appName, signedIn, csrf, flash, page });
  }
}
