// The bench. What it takes is said in options.ts. A goal that is missed is told, and is no failure.
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { measureClaude } from './claude.ts';
import { measureHandOffs } from './handoffs.ts';
import { measureHold } from './hold.ts';
import { measureHttp } from './http.ts';
import { measureIdle } from './idle.ts';
import { measureMcpCalls, measureMcpStarts } from './mcp.ts';
import { readOptions, type BenchOptions, type PartName } from './options.ts';
import { measureRecovery } from './recovery.ts';
import { tableOf, type Extent, type Row } from './row.ts';
import { measureDemo, measureTargets } from './targets.ts';

const LATEST = fileURLToPath(new URL('../../node_modules/.cache/tmops-bench/latest.json', import.meta.url));
const MEASURE: Readonly<Record<PartName, (extent: Extent) => Promise<Row[]>>> = {
  'hand-offs': measureHandOffs,
  hold: measureHold,
  'mcp-start': measureMcpStarts,
  'mcp-call': measureMcpCalls,
  'mcp-http': measureHttp,
  targets: measureTargets,
  recovery: measureRecovery,
  idle: measureIdle,
  demo: measureDemo,
  claude: measureClaude,
};

const read = readOptions(process.argv.slice(2));
if (read.kind === 'help') process.stdout.write(read.text);
else if (read.kind === 'run') await run(read.options);
else {
  process.stderr.write(`${read.why}.\nnpm run bench -- --help says what there is.\n`);
  process.exitCode = 2;
}

async function run({ quick, parts, json }: BenchOptions): Promise<void> {
  const began = { at: new Date().toISOString(), load: loadavg() };
  const rows: Row[] = [];
  for (const part of parts) {
    process.stderr.write(`${part} ...\n`);
    rows.push(...(await MEASURE[part]({ quick })));
  }
  const machine = {
    cores: cpus().length,
    node: process.version,
    tmux: (await execa('tmux', ['-V'])).stdout,
    load: { before: began.load, after: loadavg() },
  };
  const file = resolve(json ?? LATEST);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ at: began.at, quick, machine, rows }, null, 2)}\n`);
  process.stdout.write(`${tableOf(rows)}\n\n${JSON.stringify(machine)}\n${file}\n`);
}
