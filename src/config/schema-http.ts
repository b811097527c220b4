import * as z from 'zod';
import { duration, named, path } from './fields.ts';

/** The keys of `server.http`. */
export const http = z.strictObject({
  enabled: z.boolean().describe('Whether the supervisor serves MCP over HTTP besides stdio; see docs/http.md.'),
  host: named(/^[A-Za-z0-9.:-]{1,255}$/, 'an address or the name of a host').describe(
    "The address it listens on; another than the loopback's needs `unsafe.http_beyond_loopback`.",
  ),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .describe('The port; 0: one that is free, and the same again as long as it stays free.'),
  token: z
    .enum(['required', 'none'])
    .describe(
      '`required`: only with a token; `none`: whoever reaches the port may drive, which needs `unsafe.http_without_token`.',
    ),
  token_file: path()
    .nullable()
    .describe(
      'File with the tokens, one a line, each with the name of its client before it or without; null: one that tmops makes.',
    ),
  allowed_hosts: z
    .array(named(/^(?:[a-z0-9.-]{1,255}|\[[0-9a-f:.]+\])$/, 'the name of a host in small letters, without a port'))
    .describe('Names by which clients may call the server besides `localhost`, `127.0.0.1` and `[::1]`.'),
  allowed_origins: z
    .array(named(/^https?:\/\/[a-z0-9.:[\]-]{1,255}$/, 'an origin in small letters, such as https://tools.example'))
    .describe('Web pages that may call it besides those of this machine, e.g. `https://tools.example`.'),
  sessions_limit: z.int().min(1).max(1000).describe('How many clients may have a session at once.'),
  session_idle: duration('seconds', 1000).describe('How long a session of which nothing is heard is kept.'),
});
