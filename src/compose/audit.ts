import { checkAudit, readAudit } from '../audit/check.ts';
import type { Head } from '../audit/record.ts';
import { START } from '../audit/record.ts';
import { summaryOf } from '../audit/summary.ts';
import type { AuditPorts } from '../doors/cli/audit.ts';
import { FileRefused } from '../files/refused.ts';
import { auditFolder } from './calls.ts';
import { workspaceOf } from './link.ts';

/** The audit log of the workspace that `cwd` is in, read from its files: whoever checks it need not trust a supervisor. */
export function auditPorts(cwd: string): AuditPorts {
  const inFolder = async <T>(read: (folder: string) => Promise<T>) => {
    const workspace = await workspaceOf(cwd);
    if ('problem' in workspace) return { ok: false, failure: workspace.problem } as const;
    try {
      return { ok: true, output: await read(auditFolder(workspace.root)) } as const;
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      return { ok: false, failure: { code: error.code, sentence: error.sentence, hint: error.hint } } as const;
    }
  };
  return {
    verify: (known) => inFolder((folder) => checkAudit(folder, known)),
    show: ({ feature, operation, principal, last }) =>
      inFolder(async (folder) => {
        const all = await readAudit(folder);
        const wanted = all.filter(
          (record) =>
            (record.kind === 'gap' || operation === undefined || record.operation === operation) &&
            (record.kind === 'gap' || principal === undefined || record.principal === principal) &&
            (feature === undefined || (record.kind === 'call' && record.target?.split('/')[0] === feature)),
        );
        return { of: wanted.length, records: wanted.slice(-last), head: headOf(all), summary: summaryOf(wanted) };
      }),
  };
}

const headOf = (records: readonly { readonly seq: number }[]): Head['seq'] => records.at(-1)?.seq ?? START.seq;
