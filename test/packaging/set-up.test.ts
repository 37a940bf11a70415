import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from './packages';

interface SetUp {
  isInstalled(folder?: string): boolean;
}

let folder = '';
let isInstalled: SetUp['isInstalled'];

const wanted = {
  '': { name: 'workspace' },
  'packages/a': { version: '1.0.0' },
  'node_modules/b': { version: '2.0.0' },
  'node_modules/b/node_modules/c': { version: '3.0.0' },
  'node_modules/other-platform': { version: '4.0.0', optional: true },
};

/** A folder whose node_modules holds these packages. */
function install(packages: Readonly<Record<string, { version: string }>>): void {
  for (const place of Object.keys(packages)) mkdirSync(path.join(folder, place), { recursive: true });
  writeFileSync(path.join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
}

beforeEach(async () => {
  ({ isInstalled } = (await import(path.join(root, 'test', 'setup', 'setup.mjs'))) as SetUp);
  folder = mkdtempSync(path.join(tmpdir(), 'tesserae-set-up-'));
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the set-up installs', () => {
  const b = { version: '2.0.0' };
  const c = { version: '3.0.0' };

  it('nothing when everything is there, whatever is for other platforms', () => {
    install({ 'node_modules/b': b, 'node_modules/b/node_modules/c': c });
    expect(isInstalled(folder)).toBe(true);
    expect(isInstalled()).toBe(true);
  });

  it('into an empty clone', () => {
    expect(isInstalled(folder)).toBe(false);
  });

  it('what is missing', () => {
    install({ 'node_modules/b': b });
    expect(isInstalled(folder)).toBe(false);
  });

  it('what has another version', () => {
    install({ 'node_modules/b': { version: '2.0.1' }, 'node_modules/b/node_modules/c': c });
    expect(isInstalled(folder)).toBe(false);
  });

  it('what was deleted', () => {
    install({ 'node_modules/b': b, 'node_modules/b/node_modules/c': c });
    rmSync(path.join(folder, 'node_modules', 'b', 'node_modules'), { recursive: true });
    expect(isInstalled(folder)).toBe(false);
  });

  it('again after an installation that was cut off', () => {
    install({ 'node_modules/b': b, 'node_modules/b/node_modules/c': c });
    writeFileSync(path.join(folder, 'node_modules', '.package-lock.json'), '{ "packages": {');
    expect(isInstalled(folder)).toBe(false);
  });
});
