#!/usr/bin/env node
// Makes a fresh clone ready to work in, and says each thing it does in one line. What is in order already costs nothing:
// a second run needs no network and a fraction of a second.
//
//   node .ci/prepare.mjs [--build] [--no-tmux]
//
// --build    builds dist/ where it is missing or older than what it is made of
// --no-tmux  leaves tmux out
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_NEEDED = [20, 19];
const TMUX_NEEDED = [3, 3];
/** What dist/ is made of, and what belongs to the same state of the tree. */
const BUILD_INPUTS = ['src', 'layouts', 'config', '.ci/build.mjs', 'package.json', 'package-lock.json'];

const root = fileURLToPath(new URL('..', import.meta.url));
const flags = new Set(process.argv.slice(2));
const unknown = [...flags].filter((flag) => !['--build', '--no-tmux'].includes(flag));
if (unknown.length > 0) fail(`does not know ${unknown.join(' ')}; it takes --build and --no-tmux`, 2);

checkNode();
installDependencies();
if (!flags.has('--no-tmux')) ensureTmux();
if (flags.has('--build')) build();

function checkNode() {
  const version = numbers(process.versions.node);
  if (isAtLeast(version, NODE_NEEDED)) return;
  fail(`this is node ${process.versions.node}, and ${NODE_NEEDED.join('.')} or newer is needed: install Node 24`);
}

/** `npm ci`, unless what is installed is what package-lock.json asks for. */
function installDependencies() {
  const stampFile = join(root, 'node_modules', '.tmops-stamp');
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const node = ` node ${process.versions.node.split('.')[0]}\n`;
  const stamp = `${sha256([lock])}${node}`;
  const found = readOr(stampFile, null);
  if (found === stamp) return;
  // Somebody ran npm by hand.
  if ((found === null || found.endsWith(node)) && isInstalled(lock)) {
    writeFileSync(stampFile, stamp);
    return;
  }
  say('installing the dependencies: npm ci');
  // Everything is a development dependency, since what ships is bundled: NODE_ENV must not leave them out.
  const args = ['ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const ran = spawnSync('npm', args, { cwd: root, stdio: 'inherit' });
  if (ran.error) fail(`npm cannot be run (${ran.error.message}): install it, it comes with node`);
  if (ran.status !== 0) fail('npm ci failed; what it said stands above (the first time it needs the network)');
  writeFileSync(stampFile, stamp);
}

/** Whether npm noted the same packages in node_modules as the lock asks for; optional ones may be of other systems. */
function isInstalled(lock) {
  const noted = JSON.parse(readOr(join(root, 'node_modules', '.package-lock.json'), '{}')).packages;
  if (!noted) return false;
  const wanted = Object.entries(JSON.parse(lock).packages ?? {}).filter(([path]) => path !== '');
  return wanted.every(([path, entry]) => {
    const own = noted[path];
    if (!own || !existsSync(join(root, path))) return entry.optional === true || entry.devOptional === true;
    return own.version === entry.version && own.integrity === entry.integrity;
  });
}

function ensureTmux() {
  const present = tmuxVersion();
  if (present === null) installTmux();
  const version = tmuxVersion();
  if (version === null) fail('tmux was installed, but `tmux -V` still fails: see what it says');
  if (present === null) say(`installed ${version}`);
  const figures = numbers(version);
  if (figures && !isAtLeast(figures, TMUX_NEEDED)) say(`${version} is older than ${TMUX_NEEDED.join('.')}: untested`);
}

/** What `tmux -V` says, or null. */
function tmuxVersion() {
  const ran = spawnSync('tmux', ['-V'], { encoding: 'utf8', timeout: 10_000 });
  return ran.status === 0 ? ran.stdout.trim() : null;
}

function installTmux() {
  const managers = JSON.parse(readFileSync(join(root, 'config', 'package-managers.json'), 'utf8'));
  const manager = managers.find(({ program }) => isOnPath(program));
  if (!manager) {
    const known = managers.map(({ program }) => program).join(', ');
    fail(`tmux is missing, and so is a package manager to install it with (${known}): install tmux by hand`);
  }
  const calls = [...(manager.before ? [manager.before] : []), [...manager.install, 'tmux']];
  const needsSudo = manager.needsRoot && process.getuid?.() !== 0;
  const byHand = calls.map((args) => `${needsSudo ? 'sudo ' : ''}${manager.program} ${args.join(' ')}`).join(' && ');
  if (needsSudo && !isOnPath('sudo')) fail(`tmux is missing, and only root can install it: ${byHand}`);
  for (const args of calls) {
    const settings = Object.entries(manager.env).map(([name, value]) => `${name}=${value}`);
    const argv = [...(needsSudo ? ['sudo', '-n'] : []), 'env', ...settings, manager.program, ...args];
    say(`tmux is missing: ${argv.join(' ')}`);
    const ran = spawnSync(argv[0], argv.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] });
    // A list of packages that is only partly fetched may do; the installation itself may not fail.
    if (ran.status !== 0 && args !== manager.before) fail(`tmux could not be installed. Do it by hand: ${byHand}`);
  }
}

/** The stamp lies in dist/ itself, so that it goes with any other build. */
function build() {
  const stampFile = join(root, 'dist', '.tmops-stamp');
  const stamp = `${sha256(BUILD_INPUTS.flatMap((input) => contents(join(root, input))))}\n`;
  if (readOr(stampFile, null) === stamp) return;
  say('building dist/: node .ci/build.mjs');
  const ran = spawnSync(process.execPath, [join(root, '.ci', 'build.mjs')], { cwd: root, stdio: 'inherit' });
  if (ran.status !== 0) fail('the build failed; what it said stands above');
  writeFileSync(stampFile, stamp);
}

/** Names and texts of a file, or of all files below a folder. */
function contents(path) {
  if (statSync(path).isFile()) return [path, readFileSync(path)];
  const entries = readdirSync(path).sort();
  return entries.flatMap((entry) => contents(join(path, entry)));
}

function sha256(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

function readOr(file, otherwise) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return otherwise;
    throw error;
  }
}

function isOnPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch (error) {
      if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(error.code)) return false;
      throw error;
    }
  });
}

/** The first two figures of a version, e.g. of `tmux next-3.6`; null where there are none. */
function numbers(text) {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined ? null : [Number(major), Number(minor)];
}

function isAtLeast([major, minor], [needMajor, needMinor]) {
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

function say(line) {
  process.stdout.write(`prepare: ${line}\n`);
}

function fail(line, code = 1) {
  process.stderr.write(`prepare: ${line}.\n`);
  process.exit(code);
}
