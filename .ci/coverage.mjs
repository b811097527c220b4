#!/usr/bin/env node
// Adds what the built program covered in processes of its own to what the tests covered in theirs, line by line.
//
//   coverage.mjs DIR [FILE]
//
// DIR   what node wrote there for NODE_V8_COVERAGE (TMOPS_COVERAGE=DIR npm test -- --coverage)
// FILE  what vitest wrote, coverage/coverage-final.json unless given
//
// Prints the lowest files with the lines that nothing ran, and the whole; ends with 1 below the goal.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAstAsync } from 'vitest/node';

const GOAL_PERCENT = 90;
const FILES_SHOWN = 15;
const RANGES_SHOWN = 12;
const MERGED_AT_ONCE = 50;

// What vitest counts with, so that both sides agree on what a line is.
const require = createRequire(createRequire(import.meta.url).resolve('@vitest/coverage-v8'));
const { createCoverageMap } = require('istanbul-lib-coverage');
const { mergeProcessCovs } = require('@bcoe/v8-coverage');
const { default: toIstanbul } = await import(require.resolve('ast-v8-to-istanbul'));

const root = fileURLToPath(new URL('..', import.meta.url));
// The product, and what tests bundle from its sources for themselves.
const bundles = ['../dist/', '../node_modules/.cache/tmops-tests/'].map((path) => new URL(path, import.meta.url).href);
const [dir, ownFile = join(root, 'coverage', 'coverage-final.json')] = process.argv.slice(2);
const written = dir !== undefined && existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.json')) : [];
if (written.length === 0) fail(`no process left what it covered in ${dir ?? '(no folder was named)'}`);
if (!existsSync(ownFile)) fail(`${ownFile} is missing: run the tests with --coverage`);

const own = createCoverageMap(JSON.parse(readFileSync(ownFile, 'utf8')));
const { scripts, added, torn } = mergeProcesses();
if (added === 0) fail(`no process of the built program left what it covered in ${dir}`);
const children = await remapped(scripts);
const rows = own.files().map((file) => rowOf(file));
report();

/** What the `added` processes covered of the bundled scripts; `torn` files are of processes killed while they wrote. */
function mergeProcesses() {
  let waiting = [];
  let [added, torn] = [0, 0];
  for (const name of written) {
    const found = resultIn(join(dir, name));
    const result = found?.filter(({ url }) => isBundle(url)) ?? [];
    if (found === null) torn += 1;
    if (result.length === 0) continue;
    added += 1;
    waiting.push({ result });
    // Many at once: each merge goes through all that is there, and all of them do not fit into memory.
    if (waiting.length === MERGED_AT_ONCE) waiting = [mergeProcessCovs(waiting)];
  }
  return { scripts: mergeProcessCovs(waiting).result, added, torn };
}

function isBundle(url) {
  return bundles.some((folder) => url.startsWith(folder));
}

function resultIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).result;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Coverage of the bundled scripts → that of what they were bundled from. */
async function remapped(scripts) {
  const map = createCoverageMap({});
  for (const { url, functions } of scripts) {
    const file = fileURLToPath(url);
    if (!existsSync(file)) {
      // A test takes the bundle of its own stand-in away again.
      if (url.startsWith(bundles[1])) continue;
      fail(`${relative(root, file)} is gone: dist was built anew while it was measured`);
    }
    const code = readFileSync(file, 'utf8');
    const sourceMap = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
    const ast = await parseAstAsync(code);
    map.merge(await toIstanbul({ code, ast, sourceMap, coverage: { url, functions }, wrapperLength: 0 }));
  }
  return map;
}

/** Lines are numbers with a statement that begins there, as vitest counts them. */
function rowOf(file) {
  const counts = own.fileCoverageFor(file).getLineCoverage();
  const more = children.files().includes(file) ? children.fileCoverageFor(file).getLineCoverage() : {};
  const lines = Object.keys(counts).map(Number);
  const missed = lines.filter((line) => counts[line] === 0 && !(more[line] > 0));
  return { file: relative(root, file), all: lines.length, hit: lines.length - missed.length, missed, lines };
}

function report() {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  const whole = { all: sum('all'), hit: sum('hit') };
  const lowest = rows.filter(({ missed }) => missed.length > 0).sort((a, b) => percent(a) - percent(b));
  for (const row of lowest.slice(0, FILES_SHOWN))
    console.log(`${percent(row).toFixed(0).padStart(4)} %  ${row.file} (${row.hit}/${row.all}): ${ranges(row)}`);
  const cutOff = torn === 0 ? '' : `, ${torn} cut off while they wrote`;
  console.log(`processes of the built program that were added: ${added}${cutOff}`);
  const figures = `${percent(whole).toFixed(1)} % (${whole.hit} of ${whole.all})`;
  console.log(`lines of src covered: ${figures}, goal ${GOAL_PERCENT} %`);
  process.exit(percent(whole) >= GOAL_PERCENT ? 0 : 1);
}

function percent({ hit, all }) {
  return all === 0 ? 100 : (100 * hit) / all;
}

/** Missed lines with nothing but missed lines between them, as `12-17`. */
function ranges({ lines, missed }) {
  const runs = [];
  let before = null;
  for (const line of lines.toSorted((a, b) => a - b)) {
    if (missed.includes(line)) {
      if (before === null) runs.push([line, line]);
      else runs.at(-1)[1] = line;
    }
    before = missed.includes(line) ? line : null;
  }
  const shown = runs.slice(0, RANGES_SHOWN).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return [...shown, ...(runs.length > RANGES_SHOWN ? ['…'] : [])].join(', ');
}

function fail(line) {
  console.error(`coverage: ${line}`);
  process.exit(1);
}
