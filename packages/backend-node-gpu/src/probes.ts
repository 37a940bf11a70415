import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { NodeGpuPackage } from './packages';

/** The questions that are asked of the machine; every one can be answered otherwise in a test. */
export interface NodeGpuProbes {
  readonly platform: string;
  /** The folder of an installed package, or undefined. */
  packageFolder(name: NodeGpuPackage): string | undefined;
  /** The names inside a folder; none where there is no such folder. */
  list(folder: string): string[];
  /** The file names of the shared libraries that the system's loader would find: `libcudart.so.11.0`. */
  libraries(): string[];
  /** Whether the NVIDIA kernel driver answers. */
  hasDriver(): boolean;
  /** Loads a package from its folder. */
  load(folder: string): unknown;
}

/**
 * Answers the questions of `useNodeGpu` and `diagnoseNodeGpu` from this machine.
 *
 * A package is looked for in `folder` (or the environment variable `TESSERAE_TFJS_NODE`), then as Node resolves it from
 * the working folder and from the program that runs, then in `out/tfjs-node` (`out/tfjs-node-gpu`) of the working folder and
 * those above it, where `npm run setup:tfjs-node` builds it.
 *
 * @param folder where the package is: its own folder, or one that holds it in `node_modules`
 * @returns the probes
 *
 * @example
 * ```ts
 * import { systemProbes } from '@tesserae/backend-node-gpu';
 *
 * console.log(systemProbes().platform === process.platform); // → true
 * ```
 */
export function systemProbes(
  folder: string | undefined = process.env['TESSERAE_TFJS_NODE'] || undefined,
): NodeGpuProbes {
  return {
    platform: process.platform,
    packageFolder: (name) => findPackage(name, folder),
    list: (where) => (existsSync(where) ? readdirSync(where) : []),
    libraries: loadableLibraries,
    hasDriver,
    load: (where) => createRequire(path.join(where, 'package.json'))(where) as unknown,
  };
}

function findPackage(name: NodeGpuPackage, folder: string | undefined): string | undefined {
  if (folder !== undefined) return inFolder(name, path.resolve(folder));
  const program = process.argv[1] === undefined ? [] : [path.dirname(process.argv[1])];
  for (const start of [process.cwd(), ...program]) {
    try {
      return path.dirname(createRequire(path.join(start, 'package.json')).resolve(`${name}/package.json`));
    } catch {
      // not there: look further
    }
  }
  for (let at = process.cwd(); ; at = path.dirname(at)) {
    const built = inFolder(name, path.join(at, 'out', path.basename(name)));
    if (built !== undefined) return built;
    if (at === path.dirname(at)) return undefined;
  }
}

function inFolder(name: NodeGpuPackage, folder: string): string | undefined {
  const nested = path.join(folder, 'node_modules', ...name.split('/'));
  const itself = folder.split(path.sep).slice(-2).join('/') === name ? [folder] : [];
  const found = [nested, ...itself].find((candidate) => existsSync(path.join(candidate, 'package.json')));
  return found === undefined ? undefined : realpathSync(found);
}

function loadableLibraries(): string[] {
  const windows = process.platform === 'win32';
  const variable = windows ? process.env['PATH'] : process.env['LD_LIBRARY_PATH'];
  const folders = (variable ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const named = folders.flatMap((folder) => {
    try {
      return readdirSync(folder).filter((file) => (windows ? /\.dll$/i : /\.so(\.|$)/).test(file));
    } catch {
      return [];
    }
  });
  return windows ? named : [...named, ...libraryCache()];
}

/** The dynamic linker's own list; it is in /sbin, which is not on everybody's path. */
function libraryCache(): string[] {
  for (const command of ['ldconfig', '/sbin/ldconfig', '/usr/sbin/ldconfig']) {
    try {
      const listing = execFileSync(command, ['-p'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return [...listing.matchAll(/^\s*(\S+\.so\S*)\s/gm)].map((match) => match[1] as string);
    } catch {
      // try the next place
    }
  }
  return [];
}

function hasDriver(): boolean {
  if (existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidiactl')) return true;
  try {
    execFileSync('nvidia-smi', ['-L'], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
