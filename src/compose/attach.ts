import { spawn } from 'node:child_process';

/**
 * Shows a session in this terminal: outside of tmux by attaching, inside the same server by switching the client there.
 * Gives tmux' exit code. `socket` is a server's name, a path (it holds a slash), or null for the default one.
 */
export async function attachTo(
  session: string,
  socket: string | null,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const server = socket === null ? [] : [socket.includes('/') ? '-S' : '-L', socket];
  const inside = (env['TMUX'] ?? '') !== '';
  const args = inside ? ['switch-client', '-t', `=${session}`] : [...server, 'attach-session', '-t', `=${session}`];
  const child = spawn('tmux', args, { stdio: 'inherit', env: { ...env } });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
