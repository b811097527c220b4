import { open } from 'node:fs/promises';

/** A file that something is appended to. */
export interface Growing {
  /** What came since it was read last, each byte one character. */
  more(): Promise<string>;
  /** All that was read so far. */
  text(): string;
}

/** The file has to be there by the first reading. */
export function growing(path: string): Growing {
  let text = '';
  return {
    async more() {
      const file = await open(path);
      try {
        const { size } = await file.stat();
        const { buffer, bytesRead } = await file.read(Buffer.alloc(size - text.length), 0, null, text.length);
        const fresh = buffer.toString('latin1', 0, bytesRead);
        text += fresh;
        return fresh;
      } finally {
        await file.close();
      }
    },
    text: () => text,
  };
}
