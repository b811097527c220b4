import { createHash } from 'node:crypto';
import { dialogKey, type Dialog } from '../core/screen.ts';

/** Names a question by what it asks, so that an answer can say which one it is for. */
export const dialogId = (dialog: Dialog): string =>
  createHash('sha256').update(dialogKey(dialog)).digest('hex').slice(0, 12);
