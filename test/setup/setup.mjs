// Brings an empty clone to the point where anything runs: what package-lock.json says is installed, and every package
// is built. Plain Node without dependencies, because it runs before there are any. What is done is not done again.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * Installs what package-lock.json says, unless exactly that is installed already.
 *
 * @returns true when it installed, false when there was nothing to do
 */
export function ensureInstalled() {
  checkNode();
  if (isInstalled()) return false;
  say('installing what package-lock.json says (npm ci)');
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'check the network, then run npm ci');
  return true;
}

/** Builds every package whose source changed since its last build. */
export function ensureBuilt() {
  say('building what changed (turbo run build)');
  const turbo = path.join(root, 'node_modules', 'turbo', 'bin', 'turbo');
  run(process.execPath, [turbo, 'run', 'build', '--output-logs=errors-only'], 'see the errors above');
}

/** Whether the packages in node_modules are those of package-lock.json, compared entry by entry. */
export function isInstalled(folder = root) {
  const wanted = readPackages(path.join(folder, 'package-lock.json'));
  const installed = readPackages(path.join(folder, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([place, entry]) => {
    if (!place.includes('node_modules/')) return true; // the workspace itself
    const found = installed[place];
    if (found === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return found.version === entry.version && found.resolved === entry.resolved && existsSync(path.join(folder, place));
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined; // not there, or cut off: it is written anew
  }
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const [major, minor] = /(\d+)\.(\d+)/.exec(engines.node).slice(1).map(Number);
  const [hasMajor, hasMinor] = process.versions.node.split('.').map(Number);
  if (hasMajor > major || (hasMajor === major && hasMinor >= minor)) return;
  fail(`Node ${process.versions.node} is too old`, `install Node ${major}.${minor} or newer`);
}

/** Runs npm: the one that runs this script where there is one, else the one on the path. */
function npm(args, fix) {
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js')) run(process.execPath, [script, ...args], fix);
  else run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, fix);
}

function run(command, args, fix) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
  const shell = command.endsWith('.cmd');
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
    shell,
  });
  if (status !== 0) fail(`${path.basename(args[0] ?? command)} failed${error ? `: ${error.message}` : ''}`, fix);
}

/** A failure that says what to do; scripts that call these functions end with it. */
function fail(problem, fix) {
  throw new Error(`${problem}; ${fix}`);
}

function say(what) {
  console.log(`• ${what}`);
}
