// The bench. `--quick` takes ten samples of each to see that it runs, `--claude` measures hand-offs with the real Claude
// Code and nothing else, `--json FILE` says where the figures go. A goal that is missed is told, and is no failure.
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { measureClaude } from './claude.ts';
import { measureHandOffs } from './handoffs.ts';
import { measureIdle } from './idle.ts';
import { measureMcp } from './mcp.ts';
import { tableOf, type Row } from './row.ts';
import { measureDemo, measureTargets } from './targets.ts';

const LATEST = fileURLToPath(new URL('../../node_modules/.cache/tmops-bench/latest.json', import.meta.url));
const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, claude: { type: 'boolean' }, json: { type: 'string' } },
});
const extent = { quick: values.quick === true };
const parts =
  values.claude === true ? [measureClaude] : [measureHandOffs, measureMcp, measureTargets, measureIdle, measureDemo];

const began = { at: new Date().toISOString(), load: loadavg() };
const rows: Row[] = [];
for (const part of parts) {
  process.stderr.write(`${part.name} ...\n`);
  rows.push(...(await part(extent)));
}
const machine = {
  cores: cpus().length,
  node: process.version,
  tmux: (await execa('tmux', ['-V'])).stdout,
  load: { before: began.load, after: loadavg() },
};
const file = resolve(values.json ?? LATEST);
await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify({ at: began.at, quick: extent.quick, machine, rows }, null, 2)}\n`);
process.stdout.write(`${tableOf(rows)}\n\n${JSON.stringify(machine)}\n${file}\n`);
