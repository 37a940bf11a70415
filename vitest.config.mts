import { readdirSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import type { TestProjectConfiguration } from 'vitest/config';

const root = import.meta.dirname;
const packages = readdirSync(path.join(root, 'packages'));
const source = (name: string, entry: string): string => path.join(root, 'packages', name, 'src', entry);

/** Tests import every package from its source, so that no build is needed and one copy is loaded. */
const alias = packages.flatMap((name) => {
  const id = name === 'tesserae' ? 'tesserae' : `@tesserae/${name}`;
  return [
    { find: new RegExp(`^${id}/testing$`), replacement: source(name, 'testing/index.ts') },
    { find: new RegExp(`^${id}$`), replacement: source(name, 'index.ts') },
  ];
});

const ignored = ['**/node_modules/**', '**/dist/**'];

/** `npm run test:full` runs the slow tests, `*.full.test.ts`, and only them. */
function suite(name: string, folder: string, full: boolean): TestProjectConfiguration {
  return {
    resolve: { alias },
    test: {
      name,
      root,
      include: [`${folder}/**/*.${full ? 'full.test' : 'test'}.ts`],
      exclude: full ? ignored : [...ignored, '**/*.full.test.ts'],
      environment: 'node',
      pool: 'forks',
      // Notebooks train for minutes with every core: after the others, not beside them.
      sequence: { groupOrder: name === 'test-notebooks' ? 1 : 0 },
      testTimeout: full ? 30 * 60_000 : 60_000,
      hookTimeout: full ? 30 * 60_000 : 60_000,
    },
  };
}

/** `*.test-d.ts`: nothing runs, the compiler looks at them. */
const types: TestProjectConfiguration = {
  test: {
    name: 'test-types',
    root,
    include: [],
    typecheck: {
      enabled: true,
      only: true,
      include: ['packages/*/test/**/*.test-d.ts'],
      tsconfig: 'test/types/tsconfig.json',
      checker: path.join(root, 'node_modules/typescript/bin/tsc'),
      ignoreSourceErrors: true, // npm run typecheck reports those
    },
  },
};

const across = ['golden', 'conformance', 'packaging', 'docs', 'notebooks'];

export default defineConfig(({ mode }) => ({
  test: {
    globalSetup: path.join(root, 'test/support/temporary-folder.ts'),
    maxWorkers: 2,
    passWithNoTests: true,
    projects: [
      ...packages.map((name) => suite(name, `packages/${name}/test`, mode === 'full')),
      ...across.map((name) => suite(`test-${name}`, `test/${name}`, mode === 'full')),
      ...(mode === 'full' ? [] : [types]),
    ],
  },
}));
