import { readdirSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitest/config';

const packages = readdirSync(path.join(__dirname, 'packages'));
const source = (name: string, entry: string): string => path.join(__dirname, 'packages', name, 'src', entry);

/** Tests import every package from its source, so that no build is needed and one copy is loaded. */
const alias = packages.flatMap((name) => {
  const id = name === 'tesserae' ? 'tesserae' : `@tesserae/${name}`;
  return [
    { find: new RegExp(`^${id}/testing$`), replacement: source(name, 'testing/index.ts') },
    { find: new RegExp(`^${id}$`), replacement: source(name, 'index.ts') },
  ];
});

const suite = (name: string, folder: string) => ({
  resolve: { alias },
  test: {
    name,
    root: __dirname,
    include: [`${folder}/**/*.test.ts`],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.full.test.ts'],
    environment: 'node',
    pool: 'forks' as const,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      ...packages.map((name) => suite(name, `packages/${name}/test`)),
      ...['golden', 'conformance', 'packaging', 'notebooks'].map((name) => suite(`test-${name}`, `test/${name}`)),
    ],
  },
});
