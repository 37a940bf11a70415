import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packages, readJson, root } from './packages';

const { floors } = createRequire(__filename)(path.join(root, '.dependency-cruiser.cjs')) as {
  floors: readonly (readonly string[])[];
};
const floorOf = (folder: string): number => floors.findIndex((names) => names.includes(folder));
const named = new Map(packages.map((one) => [one.manifest.name, one]));

describe.each(packages.map((one) => [one.manifest.name, one] as const))('%s', (name, { folder, manifest, ...one }) => {
  it('is named after its folder, and says what it is', () => {
    expect(name).toBe(folder === 'tesserae' ? 'tesserae' : `@tesserae/${folder}`);
    expect(manifest.description).toMatch(/\.$/);
    expect(manifest.license).toBe('Apache-2.0');
    expect(manifest.engines).toEqual({ node: '>=20.19' });
    expect(existsSync(path.join(one.path, 'README.md'))).toBe(true);
  });

  it('maps every entry so that Node loads one copy: CommonJS for Node, ES modules for bundlers', () => {
    expect(manifest.type).not.toBe('module');
    expect(manifest).toMatchObject({ main: './dist/index.js', module: './dist/index.mjs', types: './dist/index.d.ts' });
    expect(manifest.exports?.['./package.json']).toBe('./package.json');
    for (const { subpath, files } of one.entries) {
      const base = subpath === '.' ? './dist/index' : `./dist/${subpath.slice(2)}/index`;
      expect(files).toEqual({ types: `${base}.d.ts`, node: `${base}.js`, default: `${base}.mjs` });
      expect(Object.keys(files)).toEqual(['types', 'node', 'default']); // the order decides
    }
  });

  it('has a stub folder for every subpath, for resolvers that know no exports', () => {
    for (const { subpath, files } of one.entries.filter((entry) => entry.subpath !== '.')) {
      const stub = readJson(path.join(one.path, subpath, 'package.json')) as Record<string, unknown>;
      const at = (file: string | undefined): string => `../${String(file).slice(2)}`;
      expect(stub).toMatchObject({ main: at(files.node), module: at(files.default), types: at(files.types) });
      expect(manifest.files).toContain(subpath.slice(2));
    }
  });

  it('has no side effects, and publishes what is built', () => {
    expect(manifest.sideEffects).toBe(false);
    expect(manifest.files).toContain('dist');
    expect(manifest.scripts).toMatchObject({ build: expect.stringMatching(/^tsup\b/) });
  });

  it('depends only on lower floors, at the version they have', () => {
    expect(floorOf(folder), `give ${folder} a floor in .dependency-cruiser.cjs`).toBeGreaterThanOrEqual(0);
    for (const [other, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      const dependency = named.get(other);
      if (dependency === undefined) continue;
      expect(floorOf(dependency.folder), `${name} → ${other}`).toBeLessThan(floorOf(folder));
      expect([dependency.manifest.version, `^${dependency.manifest.version}`]).toContain(range);
    }
  });

  it('takes TensorFlow.js core from its user, so that there is one', () => {
    expect(manifest.dependencies ?? {}).not.toHaveProperty('@tensorflow/tfjs-core');
  });
});

describe('package-lock.json', () => {
  it('names no place to download from, so that every clone uses its own', () => {
    const lock = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
    expect(lock.split('\n').filter((line) => /"resolved": "(?!packages\/)/.test(line))).toEqual([]);
  });

  it('holds every dependency of every package', () => {
    const lock = readJson(path.join(root, 'package-lock.json')) as {
      packages: Record<string, { dependencies?: object; peerDependencies?: object; version?: string }>;
    };
    for (const { folder, manifest } of packages) {
      const held = lock.packages[`packages/${folder}`];
      expect(held?.version, folder).toBe(manifest.version);
      expect(held?.dependencies ?? {}, folder).toEqual(manifest.dependencies ?? {});
      expect(held?.peerDependencies ?? {}, folder).toEqual(manifest.peerDependencies ?? {});
    }
  });
});
