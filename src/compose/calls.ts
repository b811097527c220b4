import { join } from 'node:path';
import type { stepModules } from '../adapters/modules/modules.ts';
import type { OpenLog } from '../adapters/log/log.ts';
import { callModules } from '../app/call-modules.ts';
import type { ChangeBoard } from '../app/changes.ts';
import type { dispatcher } from '../app/dispatch.ts';
import { auditLog, type AuditLog } from '../audit/writer.ts';
import type { Config } from '../config/schema.ts';

type Told = Parameters<typeof dispatcher>[3];

export interface CallParts {
  readonly workspaceId: string;
  readonly log: OpenLog;
  readonly changes: ChangeBoard;
  readonly audit: AuditLog;
  readonly modules: ReturnType<typeof stepModules>;
  readonly configNow: () => Config;
}

/** Who hears of the calls of a supervisor: its log, the audit log, and the modules of the configuration. */
export function toldOfCalls({ workspaceId, log, changes, audit, modules, configNow }: CallParts): Told {
  return {
    bug: (error) => {
      log.error('an operation broke off', { err: error });
    },
    asked: (facts) => {
      log.info('asked', { ...facts });
      changes.asked();
    },
    keep: (record, flushed) => {
      const at = new Date(Date.now() - record.durationMs).toISOString();
      return audit.record({ kind: 'call', at, workspace: workspaceId, ...record }, flushed);
    },
    modules: callModules({
      names: () => configNow().call_modules,
      call: (name, stage, record) => modules.call(name, stage, { ...record, workspace: workspaceId }),
      onFault: (module, error) => {
        log.warn('a module of calls failed', { module, err: error });
      },
    }),
  };
}

export const auditFolder = (root: string): string => join(root, '.tmops', '.audit');

export const openAuditLog = (root: string, log: OpenLog): AuditLog =>
  auditLog({
    folder: auditFolder(root),
    now: () => new Date().toISOString(),
    onFault: (error) => {
      log.error('the audit log cannot be written; its records wait', { err: error });
    },
  });
