import { openNotifier } from '../adapters/notify/notify.ts';
import { attentionOf } from '../app/attention.ts';
import { newsLine, newsOf, type NewsBoard } from '../app/news.ts';
import type { Config } from '../config/schema.ts';
import type { News } from '../engine/notify.ts';
import { keepNotices, type Notices } from '../engine/notify.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { Clock, Log, Stop, Terminal } from '../engine/ports.ts';

export interface NoticesParts {
  readonly root: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly runs: () => readonly LiveRun[];
  readonly terminalOn: (socket: string | null) => Pick<Terminal, 'announce'>;
  /** As the configuration says at the moment of the news. */
  readonly config: () => Config['notify'];
  readonly board: NewsBoard;
}

/** Tells humans that a run needs them or is done: in their terminals, on the desktop, by their own command, over MCP. */
export function openNotices(parts: NoticesParts): { readonly heard: Notices['heard']; readonly close: Stop } {
  const { root, clock, log, board } = parts;
  const notifier = openNotifier({
    cwd: root,
    platform: process.platform,
    onProblem: (program, why) => {
      log.warn('a notification failed', { program, why });
    },
  });
  const onError = (error: unknown): void => {
    log.warn('a notification failed', { err: error });
  };
  const tell = (news: News): void => {
    const view = newsOf(news);
    const text = newsLine(view);
    const { bell, message, desktop, command } = parts.config();
    board.post(view);
    log.info('told', { feature: view.feature, news: view.kind, codes: view.needs.map(({ code }) => code) });
    const { settings } = news.run;
    if (settings && (bell || message))
      parts.terminalOn(settings.socket).announce(settings.session, { text, bell, message }).catch(onError);
    if (desktop) notifier.desktop('tmops', text);
    if (command) notifier.command(command, `${JSON.stringify(view)}\n`);
  };
  const notices = keepNotices({
    clock,
    runs: parts.runs,
    needsOf: (run, failing) => attentionOf(run, clock.now(), failing),
    tell,
    onError,
  });
  return {
    heard: notices.heard,
    async close() {
      await notices.stop();
      await notifier.close();
    },
  };
}
