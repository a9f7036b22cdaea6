// Every figure, in the order of the table.
import { f00 } from './f00-harness';
import { f01 } from './f01-web-killed';
import { f02 } from './f02-worker-killed';
import { f03 } from './f03-database-stopped';
import { f04 } from './f04-each-step';
import { f05 } from './f05-rolling-restart';
import { f06 } from './f06-stop-while-sending';
import { f07 } from './f07-smtp-down';
import { f08 } from './f08-black-hole';
import { f08connect, f08tls } from './f08-total-hole';
import { f09 } from './f09-slow-replies';
import { f10 } from './f10-greylisting';
import { f11 } from './f11-temporary';
import { f11a } from './f11-unreachable';
import { f12, f13, f13a } from './f12-refused';
import { f14 } from './f14-reply-lost';
import { f15, f15a } from './f15-tls-stripped';
import { f16 } from './f16-database-gone';
import { f17 } from './f17-database-slow';
import { f18 } from './f18-pool-exhausted';
import { f19 } from './f19-commit-unknown';
import { f20 } from './f20-read-only';
import { f21 } from './f21-redis-gone';
import { f22 } from './f22-same-token';
import { f23 } from './f23-two-tokens';
import { f24 } from './f24-races';
import { f25 } from './f25-cap';
import { f26 } from './f26-limiter';
import { f27 } from './f27-four-workers';
import { f28 } from './f28-worker-paused';
import { f29 } from './f29-clocks';
import { f30 } from './f30-many-logins';
import { f31 } from './f31-password-flood';
import { f32 } from './f32-mail-bomb';
import { f42 } from './f42-start';
import { f43 } from './f43-poison';
import { f48 } from './f48-stdout-blocked';
import { f52 } from './f52-late-notices';

export const figures = [
  f00,
  f01,
  f02,
  f03,
  f04,
  f05,
  f06,
  f07,
  f08,
  f08connect,
  f08tls,
  f09,
  f10,
  f11,
  f11a,
  f12,
  f13,
  f13a,
  f14,
  f15,
  f15a,
  f16,
  f17,
  f18,
  f19,
  f20,
  f21,
  f22,
  f23,
  f24,
  f25,
  f26,
  f27,
  f28,
  f29,
  f30,
  f31,
  f32,
  f42,
  f43,
  f48,
  f52,
];
