import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What the packaging tests read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly main?: string;
  readonly module?: string;
  readonly types?: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly sideEffects?: unknown;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** One entry point: what people write in an import, and the files behind it. */
export interface Entry {
  /** `@tesserae/registry/testing` */
  readonly id: string;
  /** `.` or `./testing` */
  readonly subpath: string;
  readonly files: Readonly<Record<string, string>>;
}

export interface Package {
  /** The folder's name: `backend-onnx`. */
  readonly folder: string;
  readonly path: string;
  readonly manifest: Manifest;
  readonly entries: readonly Entry[];
}

export const root = path.resolve(__dirname, '..', '..');

/** Every package of the workspace. */
export const packages: readonly Package[] = readdirSync(path.join(root, 'packages')).map((folder) => {
  const place = path.join(root, 'packages', folder);
  const manifest = readJson(path.join(place, 'package.json')) as Manifest;
  const entries = Object.entries(manifest.exports ?? {}).flatMap(([subpath, files]) =>
    typeof files === 'string' ? [] : [{ id: path.posix.join(manifest.name, subpath), subpath, files }],
  );
  return { folder, path: place, manifest, entries };
});

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The packaging tests look at what is published, so it must have been built. */
export function requireBuild(id: string): void {
  const one = packages.find(({ manifest }) => id === manifest.name || id.startsWith(`${manifest.name}/`));
  if (one === undefined || !existsSync(path.join(one.path, 'dist', 'index.d.ts'))) {
    throw new Error(`${id} is not built: run npm run build`);
  }
}
