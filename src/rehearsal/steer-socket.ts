import { createHash } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeWhole } from './files.ts';
import type { Stage } from './stage.ts';
import { requestSchema, steer } from './steering.ts';

/** A unix socket's path may have 108 bytes on Linux and 104 elsewhere. */
const LONGEST_PATH = 100;

/**
 * Listens for steering: one JSON verb a line, answered with `{"ok":true,"id":…}` or `{"ok":false,"id":…,"error":…}`.
 * Resolves to what closes the socket. Rejects when it cannot listen.
 */
export async function listenForSteering(stage: Stage): Promise<() => void> {
  const path = placeSocket(stage.records.folder);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    serve(stage, socket);
  });
  await listening(server, path);
  chmodSync(path, 0o600);
  return () => {
    server.close();
    rmSync(path, { force: true });
  };
}

/** In the agent's folder, or where that path is too long under a short one that `steer.path` tells. */
function placeSocket(folder: string): string {
  const path = join(folder, 'steer.sock');
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  const short = join(tmpdir(), `rehearsal-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}.sock`);
  writeWhole(join(folder, 'steer.path'), `${short}\n`);
  return short;
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function serve(stage: Stage, socket: Socket): void {
  // A client that went away needs no answer.
  socket.on('error', () => socket.destroy());
  createInterface({ input: socket }).on('line', (line) => {
    socket.write(`${JSON.stringify(answer(stage, line))}\n`);
  });
}

function answer(stage: Stage, line: string): Readonly<Record<string, unknown>> {
  let id: unknown;
  try {
    const request = requestSchema.parse(JSON.parse(line));
    id = request.id;
    return { ...steer(stage, request.verb), ok: true, id };
  } catch (error) {
    return { ok: false, id, error: error instanceof Error ? error.message : String(error) };
  }
}
