// Every figure, in the order of the table.
import { f00 } from './f00-harness.mjs';
import { f01 } from './f01-web-killed.mjs';
import { f02 } from './f02-worker-killed.mjs';
import { f03 } from './f03-database-stopped.mjs';
import { f04 } from './f04-each-step.mjs';
import { f05 } from './f05-rolling-restart.mjs';
import { f06 } from './f06-stop-while-sending.mjs';
import { f07 } from './f07-smtp-down.mjs';
import { f08 } from './f08-black-hole.mjs';
import { f08connect, f08tls } from './f08-total-hole.mjs';
import { f09 } from './f09-slow-replies.mjs';
import { f10 } from './f10-greylisting.mjs';
import { f11 } from './f11-temporary.mjs';
import { f11a } from './f11-unreachable.mjs';
import { f12, f13 } from './f12-refused.mjs';
import { f14 } from './f14-reply-lost.mjs';
import { f15 } from './f15-tls-stripped.mjs';
import { f16 } from './f16-database-gone.mjs';
import { f17 } from './f17-database-slow.mjs';
import { f18 } from './f18-pool-exhausted.mjs';
import { f19 } from './f19-commit-unknown.mjs';
import { f20 } from './f20-read-only.mjs';
import { f21 } from './f21-redis-gone.mjs';
import { f22 } from './f22-same-token.mjs';
import { f23 } from './f23-two-tokens.mjs';
import { f24 } from './f24-races.mjs';
import { f25 } from './f25-cap.mjs';
import { f26 } from './f26-limiter.mjs';
import { f27 } from './f27-four-workers.mjs';
import { f28 } from './f28-worker-paused.mjs';
import { f29 } from './f29-clocks.mjs';
import { f30 } from './f30-many-logins.mjs';
import { f31 } from './f31-password-flood.mjs';
import { f32 } from './f32-mail-bomb.mjs';
import { f42 } from './f42-start.mjs';
import { f43 } from './f43-poison.mjs';
import { f48 } from './f48-stdout-blocked.mjs';
import { f52 } from './f52-late-notices.mjs';

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
  f14,
  f15,
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
