import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packages, readJson, requireBuild, root } from './packages';

/** What `npm pack --json` says of one package. */
interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

interface Problems {
  readonly analysis: { readonly problems: readonly { readonly kind: string }[] };
}

let folder = '';
let packed: ReadonlyMap<string, Packed>;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tesserae-pack-'));
  const args = ['pack', '--workspaces', '--json', '--silent', '--pack-destination', folder];
  const output = execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, shell: isWindows() });
  const all = JSON.parse(output) as readonly Packed[] | Readonly<Record<string, Packed>>;
  packed = new Map(Object.values(all).map((one) => [one.name, one]));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isWindows(): boolean {
  return process.platform === 'win32';
}

describe.each(packages.map((one) => [one.manifest.name, one] as const))('%s as npm would publish it', (name, one) => {
  it('holds what is built and no source, tests or settings', () => {
    requireBuild(name);
    const files = packed.get(name)!.files.map((file) => file.path);
    for (const entry of one.entries) {
      for (const file of Object.values(entry.files)) expect(files).toContain(path.posix.normalize(file));
    }
    expect(files).toContain('README.md');
    expect(files.filter((file) => /^(src|test)\/|tsup\.config|tsconfig|\.tsbuildinfo$|\.d\.mts$/.test(file))).toEqual(
      [],
    );
  });

  it('satisfies publint', async () => {
    requireBuild(name);
    const tarball = readFileSync(path.join(folder, packed.get(name)!.filename));
    const buffer = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) as ArrayBuffer;
    const { messages } = await publint({ pack: { tarball: buffer }, level: 'warning' });
    // One set of types for both formats is meant: Node only ever loads the CommonJS one, which they describe.
    const others = messages.filter((message) => message.code !== 'EXPORTS_TYPES_INVALID_FORMAT');
    const manifest = readJson(path.join(one.path, 'package.json')) as Record<string, unknown>;
    expect(others.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
  });

  it('has types that resolve everywhere (are the types wrong?)', () => {
    requireBuild(name);
    const attw = path.join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const tarball = path.join(folder, packed.get(name)!.filename);
    let output: string;
    try {
      const options = { encoding: 'utf8', maxBuffer: 1 << 26 } as const;
      output = execFileSync(process.execPath, [attw, tarball, '--format', 'json', '--no-definitely-typed'], options);
    } catch (error) {
      output = String((error as { stdout?: string }).stdout); // it ends with 1 when it found something
    }
    expect((JSON.parse(output) as Problems).analysis.problems).toEqual([]);
  });
});
