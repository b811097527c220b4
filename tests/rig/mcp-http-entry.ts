// The HTTP door over a canned supervisor in a process of its own, for the speed test. Prints its address.
import { startHttp } from './mcp-http.ts';

const { url } = await startHttp();
process.stdout.write(`${url.href}\n`);
