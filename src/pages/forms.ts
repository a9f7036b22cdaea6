import { OmitType, PickType } from '@nestjs/swagger';
import { ChangeEmailDto, ChangePasswordDto, ConfirmEmailChangeDto } from '../account';
import { EndSessionDto, LoginDto } from '../auth';
import { IsPlainText, SameAs } from '../common';
import { ConfirmPasswordResetDto, RequestPasswordResetDto } from '../password-reset';
import { RegisterDto, VerifyAddressDto } from '../registration';

// The bodies of the REST API. A page has the token in its address, and people type a new password twice.

export class LoginForm extends PickType(LoginDto, ['password']) {
  /** What is no address is answered like a wrong password. */
  @IsPlainText()
  email!: string;
}

export class RegisterForm extends OmitType(RegisterDto, ['locale']) {
  @SameAs('password')
  password2!: string;
}

export class VerifyEmailForm extends OmitType(VerifyAddressDto, ['token']) {}

export class ResetPasswordRequestForm extends RequestPasswordResetDto {}

export class ResetPasswordForm extends PickType(ConfirmPasswordResetDto, ['password']) {
  @SameAs('password')
  password2!: string;
}

export class ChangePasswordForm extends PickType(ChangePasswordDto, ['currentPassword', 'password']) {
  @SameAs('password')
  password2!: string;
}

export class ChangeEmailForm extends ChangeEmailDto {}

export class ConfirmEmailForm extends OmitType(ConfirmEmailChangeDto, ['token']) {}

export class EndSessionForm extends EndSessionDto {}
