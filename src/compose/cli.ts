import type { AuditPorts } from '../doors/cli/audit.ts';
import type { PromptCommands } from '../doors/cli/prompts.ts';
import { runCli } from '../doors/cli/run.ts';
import { readEnvironment } from '../config/environment.ts';
import { attachTo } from './attach.ts';
import { linkFrom, workspaceOf } from './link.ts';
import { version } from './package.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/** Loaded with the first of them: they need the template engine, which no other command does. */
function promptsOnDemand(cwd: string): PromptCommands {
  const loaded = async (): Promise<PromptCommands> => (await import('./prompt-commands.ts')).promptCommands(cwd);
  return {
    list: async () => (await loaded()).list(),
    validate: async (files) => (await loaded()).validate(files),
    test: async () => (await loaded()).test(),
  };
}

/** Every other command of the command line. Gives the exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const stop = stopOnSignals();
  const env = readEnvironment();
  const link = linkFrom(process.cwd());
  const openAudit = async (): Promise<AuditPorts> => (await import('./audit.ts')).auditPorts(process.cwd());
  const code = await runCli({
    argv,
    version,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    isTty: process.stdout.isTTY,
    noColour: (env['NO_COLOR'] ?? '') !== '',
    stop,
    ports: {
      link: link.call,
      attach: (view) => attachTo(view.session ?? '', view.socket, env),
      async doctor() {
        const { examineMachine } = await import('./doctor.ts');
        return examineMachine((withinMs) => workspaceOf(process.cwd(), withinMs), env);
      },
      audit: {
        verify: async (...asked) => (await openAudit()).verify(...asked),
        show: async (...asked) => (await openAudit()).show(...asked),
      },
      async mcp(options) {
        const { runMcp } = await import('./mcp.ts');
        return runMcp(options);
      },
      async roleMcp(role, feature) {
        const { runRoleMcp } = await import('./role-mcp.ts');
        return runRoleMcp(role, feature);
      },
      async client(target, options) {
        const { reach } = await import('./client.ts');
        return reach(target, { ...options, env, link: link.call, ask: link.ask, listen: link.listen });
      },
      prompts: promptsOnDemand(process.cwd()),
      async demo(args) {
        const { runDemo } = await import('./demo.ts');
        return runDemo(args);
      },
      async supervise(args) {
        const { runSupervisorFrom } = await import('./supervise.ts');
        return runSupervisorFrom(args);
      },
    },
  });
  link.close();
  return code;
}
