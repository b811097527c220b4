import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isTypable, pointerLine } from '../core/message.ts';
import type { Answer, RunLoop } from './loop.ts';
import type { RunPlace } from './place.ts';
import type { Files } from './ports.ts';

/**
 * Puts a message into the queue of a role's prompts. Text that cannot be typed unchanged is written to a file of the run
 * first, named after its content, and the prompt points at it.
 */
export async function queueMessage(
  target: { readonly loop: RunLoop; readonly place: RunPlace; readonly files: Files },
  role: string,
  text: string,
  principal?: string,
): Promise<Answer> {
  if (isTypable(text)) return target.loop.submit({ kind: 'message', role, line: text, file: null }, principal);
  const name = `${createHash('sha256').update(text).digest('hex').slice(0, 8)}.md`;
  await target.files.write(join(target.place.promptsDir, name), text);
  const feature = target.loop.run().identity?.feature ?? '';
  const line = pointerLine(`.tmops/${feature}/current/prompts/${name}`);
  return target.loop.submit({ kind: 'message', role, line, file: `prompts/${name}` }, principal);
}
