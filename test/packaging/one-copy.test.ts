import { describe, expect, it } from 'vitest';
import { inNode } from './in-node';
import { packages, requireBuild } from './packages';

interface Comparison {
  /** The exports of `require`. */
  readonly names: readonly string[];
  /** Those that `import` gives as another value or not at all. */
  readonly different: readonly string[];
  /** `import`'s default export is `require`'s object. */
  readonly same: boolean;
}

const script = (id: string): string => `
  const required = require(${JSON.stringify(id)});
  import(${JSON.stringify(id)}).then((imported) => {
    const names = Object.keys(required);
    const different = names.filter((name) => imported[name] !== required[name]);
    process.stdout.write(JSON.stringify({ names, different, same: imported.default === required }));
  });
`;

describe('require and import give one copy of', () => {
  it.each(packages.flatMap(({ entries }) => entries.map(({ id }) => id)))('%s', (id) => {
    requireBuild(id);
    const { names, different, same } = inNode<Comparison>(script(id));
    expect(same).toBe(true);
    expect(different).toEqual([]);
    expect(names.length).toBeGreaterThan(0);
  });
});

describe('the subpaths of a package', () => {
  it('share what they both use with its main entry', () => {
    const answer = inNode<boolean[]>(`
      const { createRegistry, isTesseraeError } = require('@tesserae/registry');
      const { describePluginContract } = require('@tesserae/registry/testing');
      const before = Object.keys(require.cache).filter((file) => /registry.dist.chunk/.test(file)).length;
      try { describePluginContract({}, {}); } catch (error) {
        process.stdout.write(JSON.stringify([isTesseraeError(error, 'E_CONTRACT'), before === 1]));
      }
    `);
    expect(answer).toEqual([true, true]);
  });
});
