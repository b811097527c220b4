import { newsRequest } from '../../app/table.ts';
import type { NewsView } from '../../app/views.ts';
import type { TextPort } from '../../link/port.ts';

/** The longest that one request may wait (see the table). */
const REQUEST_MS = 50_000;

export interface NewsOptions {
  /** Asks a supervisor that runs already, and fails when none does: news never starts one. */
  readonly listen: TextPort;
  readonly take: (news: NewsView) => void;
  /** Told of an answer that cannot be read. */
  readonly onFault: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/**
 * Follows what the supervisor tells humans, by one request that waits. Gives the function to call when the supervisor
 * has answered something: it begins to follow, or does nothing while it follows already.
 */
export function newsFollower(options: NewsOptions): () => void {
  let cursor: string | undefined;
  let following = false;
  const follow = async (): Promise<void> => {
    while (!options.signal.aborted) {
      const input = { timeoutMs: REQUEST_MS, ...(cursor !== undefined && { after: cursor }) };
      const reply = await options.listen(newsRequest.name, input, { door: 'mcp' }, options.signal);
      // Without a supervisor there is no news; the next call of the client brings one back.
      if (!reply.ok) return;
      const { cursor: next, news } = newsRequest.output.parse(JSON.parse(reply.json));
      cursor = next;
      for (const each of news) options.take(each);
    }
  };
  return () => {
    if (following) return;
    following = true;
    follow()
      .catch(options.onFault)
      .finally(() => (following = false));
  };
}

/** A message of the protocol's logging. Text in it is quoted where it came from an agent. */
export interface LogEntry {
  readonly level: 'warning' | 'notice';
  readonly logger: string;
  readonly data: Record<string, unknown>;
}

export function logMessageOf(news: NewsView): LogEntry {
  const level = news.kind === 'completed' ? 'notice' : 'warning';
  return { level, logger: 'tmops', data: { ...news } };
}
