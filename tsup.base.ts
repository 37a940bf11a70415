import { rmSync } from 'node:fs';
import { defineConfig, type Options } from 'tsup';

/** One build for every package: CommonJS for Node and tslab, ES modules for browser bundlers, one set of types. */
export function library(entry: string[] = ['src/index.ts'], more: Options = {}): ReturnType<typeof defineConfig> {
  rmSync('dist', { recursive: true, force: true }); // tsup's own `clean` leaves the types of earlier builds
  const shared: Options = {
    entry,
    splitting: true, // without it each CommonJS entry would carry its own copy of shared code
    sourcemap: true,
    target: 'node20',
    platform: 'node',
    ...more,
  };
  return defineConfig([
    { ...shared, format: 'cjs', dts: true, outExtension: () => ({ js: '.js' }) },
    { ...shared, format: 'esm', dts: false, outExtension: () => ({ js: '.mjs' }) }, // the same types serve both
  ]);
}
