import { spawn } from 'node:child_process';
import { basename } from 'node:path';

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
  const own = env['TMUX']?.split(',')[0] ?? '';
  const inside = own !== '' && isServer(own, socket);
  if (own !== '' && !inside) {
    process.stderr.write(
      `This terminal is inside another tmux server.\n  Run in a terminal outside of it: tmux ${server.join(' ')} attach -t '=${session}'\n`,
    );
    return 1;
  }
  const args = inside ? ['switch-client', '-t', `=${session}`] : [...server, 'attach-session', '-t', `=${session}`];
  const child = spawn('tmux', args, { stdio: 'inherit', env: { ...env } });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}

/** Whether the server at the socket path `own` is the one that `socket` names. */
function isServer(own: string, socket: string | null): boolean {
  if (socket === null) return basename(own) === 'default';
  return socket.includes('/') ? own === socket : basename(own) === socket;
}
