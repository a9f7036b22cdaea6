import { Get } from '@nestjs/common';
import { Redirect } from './page';
import { PageController } from './page-controller';

/** Links of mails that have lost their token, for example by a line break. */
@PageController()
export class CutLinksController {
  @Get('reset_password')
  reset(): Redirect {
    return new Redirect('/reset_password_request', { flash: 'linkInvalid' });
  }

  @Get('verify_email')
  registration(): Redirect {
    return new Redirect('/register', { flash: 'registrationLinkInvalid' });
  }

  @Get(['confirm_email', 'cancel_email', 'not_me'])
  action(): Redirect {
    return new Redirect('/login', { flash: 'actionLinkInvalid' });
  }
}
