// Every figure, in the order of the table.
import { f01 } from './f01-web-killed.mjs';
import { f02 } from './f02-worker-killed.mjs';
import { f12, f13 } from './f12-refused.mjs';
import { f16 } from './f16-database-gone.mjs';
import { f22 } from './f22-same-token.mjs';

export const figures = [f01, f02, f12, f13, f16, f22];
