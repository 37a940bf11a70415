import { defineConfig, type Options } from 'tsup';

/** One build for every package: CommonJS for Node and tslab, ES modules for browser bundlers, one set of types. */
export function library(entry: string[] = ['src/index.ts'], more: Options = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: ['cjs', 'esm'],
    splitting: true, // without it each CommonJS entry would carry its own copy of shared code
    dts: true,
    sourcemap: true,
    clean: true,
    target: 'node20',
    platform: 'node',
    outExtension: ({ format }) => ({ js: format === 'cjs' ? '.js' : '.mjs', dts: '.d.ts' }), // one set of types
    ...more,
  });
}
