#!/usr/bin/env node
// Adds what the built program covered in processes of its own to what the tests covered in theirs, line by line.
//   coverage.mjs DIR   DIR holds what node wrote for NODE_V8_COVERAGE; coverage/coverage-final.json is vitest's.
// Prints the lowest files and the whole; ends with 1 below the goal.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const GOAL_PERCENT = 90;
const require = createRequire(import.meta.url);
const { createCoverageMap } = require('istanbul-lib-coverage');
const root = fileURLToPath(new URL('..', import.meta.url));
const [dir] = process.argv.slice(2);

const own = createCoverageMap(JSON.parse(readFileSync(`${root}coverage/coverage-final.json`, 'utf8')));
const children = createCoverageMap({});
if (dir && existsSync(dir) && readdirSync(dir).length > 0) {
  const c8 = require.resolve('c8/bin/c8.js');
  const args = [
    'report',
    '--temp-directory',
    dir,
    '--reporter',
    'json',
    '--reports-dir',
    `${dir}-report`,
    '--exclude-after-remap',
    '--include',
    'src/**',
    '--extension',
    '.ts',
    '--extension',
    '.js',
  ];
  execFileSync(process.execPath, [c8, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    maxBuffer: 1 << 28,
  });
  children.merge(JSON.parse(readFileSync(`${dir}-report/coverage-final.json`, 'utf8')));
}

const linesOf = (map, file) => (map.files().includes(file) ? map.fileCoverageFor(file).getLineCoverage() : {});
const rows = own.files().map((file) => {
  const lines = linesOf(own, file);
  const more = linesOf(children, file);
  const all = Object.keys(lines);
  return {
    file: relative(root, file),
    all: all.length,
    hit: all.filter((line) => lines[line] > 0 || more[line] > 0).length,
  };
});
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
const percent = (row) => (row.all === 0 ? 100 : (100 * row.hit) / row.all);
for (const row of rows.toSorted((a, b) => percent(a) - percent(b)).slice(0, 15))
  console.log(`${percent(row).toFixed(0).padStart(4)} %  ${row.file} (${row.hit}/${row.all})`);
const whole = percent({ all: sum('all'), hit: sum('hit') });
console.log(`lines of src covered: ${whole.toFixed(1)} % (${sum('hit')} of ${sum('all')}), goal ${GOAL_PERCENT} %`);
process.exit(whole >= GOAL_PERCENT ? 0 : 1);
