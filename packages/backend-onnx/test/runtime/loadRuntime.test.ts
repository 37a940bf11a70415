import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Module from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { loadRuntime } from '../../src/runtime';
import { expectError } from './expectError';
import { doubling } from './models';

const require = createRequire(import.meta.url);
const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-runtime-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the library in onnxruntime-node', () => {
  it('is called through the C API, and has the version that the package says', () => {
    const runtime = loadRuntime();
    const { version } = JSON.parse(readFileSync(require.resolve('onnxruntime-node/package.json'), 'utf8')) as {
      version: string;
    };
    expect(runtime.kind).toBe('c-api');
    expect(runtime.version).toBe(version);
    expect(runtime.providers).toContain('CPUExecutionProvider');
    expect(runtime.fallbackReason).toBeUndefined();
  });

  it('is loaded once for the same options', () => {
    expect(loadRuntime()).toBe(loadRuntime({}));
    expect(loadRuntime({ prefer: 'onnxruntime-node' })).toBe(loadRuntime({ prefer: 'onnxruntime-node' }));
    expect(loadRuntime({ prefer: 'onnxruntime-node' })).not.toBe(loadRuntime());
  });

  it('may also be named by its path', () => {
    const libraryPath = path.join(
      path.dirname(require.resolve('onnxruntime-node/package.json')),
      'bin/napi-v6',
      process.platform,
      process.arch,
      { linux: 'libonnxruntime.so.1', darwin: 'libonnxruntime.1.dylib' }[process.platform as string] ??
        'onnxruntime.dll',
    );
    expect(loadRuntime({ libraryPath }).version).toBe(loadRuntime().version);
  });

  it('lists the same providers in both ways', () => {
    expect([...loadRuntime({ prefer: 'onnxruntime-node' }).providers].sort()).toEqual(
      [...loadRuntime().providers].sort(),
    );
  });
});

describe('another library', () => {
  it('must exist', () => {
    expectError(
      () => loadRuntime({ libraryPath: '/nowhere/lib.so' }),
      'E_RUNTIME_MISSING',
      /no library at \/nowhere\/lib\.so; correct libraryPath/,
    );
  });

  it('is also taken from the environment, and never replaced by a fallback', () => {
    vi.stubEnv('TESSERAE_ONNXRUNTIME_LIBRARY', '/nowhere/other.so');
    expectError(() => loadRuntime(), 'E_RUNTIME_MISSING', /no library at \/nowhere\/other\.so/);
    vi.unstubAllEnvs();
  });

  it('must be a library', () => {
    const text = path.join(folder, 'text.so');
    writeFileSync(text, 'this is no library');
    expectError(
      () => loadRuntime({ libraryPath: text }),
      'E_RUNTIME_LIBRARY',
      /text\.so is no ONNX Runtime that can be used/,
    );
    expectError(() => loadRuntime({ libraryPath: folder }), 'E_RUNTIME_LIBRARY', /is no ONNX Runtime that can be used/);
  });

  it("must have the entry point: the system's C library has none", () => {
    const { sharedObjects } = process.report?.getReport() as unknown as { sharedObjects: string[] };
    const system = sharedObjects.find((file) => /libc[.-]|libSystem|kernel32/i.test(file)) as string;
    expect(existsSync(system), sharedObjects.join(', ')).toBe(true);
    expectError(() => loadRuntime({ libraryPath: system }), 'E_RUNTIME_LIBRARY', /OrtGetApiBase/);
  });

  it.skipIf(process.platform !== 'linux')(
    'must hold its functions itself: the binding of onnxruntime-node only links to them',
    () => {
      const binding = path.join(
        path.dirname(require.resolve('onnxruntime-node/package.json')),
        'bin/napi-v6/linux',
        process.arch,
        'onnxruntime_binding.node',
      );
      expectError(
        () => loadRuntime({ libraryPath: binding }),
        'E_RUNTIME_LIBRARY',
        /base table holds what is no function/,
      );
    },
  );

  it('refuses an unknown preference', () => {
    expectError(() => loadRuntime({ prefer: 'gpu' as 'c-api' }), 'E_RUNTIME_OPTION', /unknown prefer 'gpu'/);
  });
});

/** Libraries that have the entry point and lie in one way each. */
const impostors: Record<string, { source: string; code: string; text: RegExp; linuxOnly?: boolean }> = {
  'gives no table': {
    source: 'void *OrtGetApiBase(void) { return 0; }',
    code: 'E_RUNTIME_LIBRARY',
    text: /OrtGetApiBase gave no table/,
  },
  'gives a table that is no memory': {
    source: 'void *OrtGetApiBase(void) { return (void *)0x1234; }',
    code: 'E_RUNTIME_LIBRARY',
    text: /OrtGetApiBase gave no table/,
    linuxOnly: true,
  },
  'gives functions that are none': {
    source: 'static int word = 7; static void *base[2] = { &word, &word }; void *OrtGetApiBase(void) { return base; }',
    code: 'E_RUNTIME_LIBRARY',
    text: /what is no function/,
    linuxOnly: true,
  },
  'is too old': {
    source: `static const char *version(void) { return "1.8.1"; } static void *api(unsigned v) { return 0; }
      static void *base[2] = { api, version }; void *OrtGetApiBase(void) { return base; }`,
    code: 'E_RUNTIME_VERSION',
    text: /expected ONNX Runtime 1\.17 or a later 1\.x, .* says '1\.8\.1'/,
  },
  'is of another major version': {
    source: `static const char *version(void) { return "2.0.0"; } static void *api(unsigned v) { return 0; }
      static void *base[2] = { api, version }; void *OrtGetApiBase(void) { return base; }`,
    code: 'E_RUNTIME_VERSION',
    text: /says '2\.0\.0'/,
  },
  'does not offer the API version': {
    source: `static const char *version(void) { return "1.30.0"; } static void *api(unsigned v) { return 0; }
      static void *base[2] = { api, version }; void *OrtGetApiBase(void) { return base; }`,
    code: 'E_RUNTIME_LIBRARY',
    text: /does not offer version 17/,
  },
  'has empty entries': {
    source: `static void *table[400]; static const char *version(void) { return "1.30.0"; } static void *api(unsigned v) { return table; }
      static void *base[2] = { api, version }; void *OrtGetApiBase(void) { return base; }`,
    code: 'E_RUNTIME_LIBRARY',
    text: /entry 0 \(CreateStatus\) of the library's function table/,
  },
  'has another layout': {
    source: `static void *nothing(void) { return 0; } static void *table[400]; static const char *version(void) { return "1.30.0"; }
      static void *api(unsigned v) { for (int i = 0; i < 400; i++) table[i] = nothing; return table; }
      static void *base[2] = { api, version }; void *OrtGetApiBase(void) { return base; }`,
    code: 'E_RUNTIME_LIBRARY',
    text: /functions do not do what their names say/,
  },
};

const compiler = process.platform === 'win32' ? undefined : ['cc', 'gcc', 'clang'].find((name) => canRun(name));
function canRun(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
if (compiler === undefined) console.log('skipped: the libraries that lie need a C compiler, and there is none');

describe.skipIf(compiler === undefined)('a library that lies', () => {
  for (const [lie, { source, code, text, linuxOnly }] of Object.entries(impostors)) {
    it.skipIf(linuxOnly === true && process.platform !== 'linux')(lie, () => {
      const name = path.join(folder, lie.replaceAll(' ', '-'));
      writeFileSync(`${name}.c`, source);
      execFileSync(compiler as string, ['-shared', '-fPIC', '-o', `${name}.so`, `${name}.c`]);
      expectError(() => loadRuntime({ libraryPath: `${name}.so` }), code, text);
    });
  }
});

describe('without koffi', () => {
  const loader = Module as unknown as { _load(request: string, ...more: unknown[]): unknown };
  const original = loader._load;
  afterEach(() => {
    loader._load = original;
    vi.resetModules();
  });
  const withhold = (...names: string[]): void => {
    vi.resetModules();
    loader._load = function (request, ...more) {
      if (names.some((name) => request === name || request.startsWith(`${name}/`) || request.includes(`${name}/dist`)))
        throw new Error(`Cannot find module '${request}'`);
      return original.call(this, request, ...more);
    };
  };

  it('falls back to onnxruntime-node, says why, and runs', async () => {
    withhold('koffi');
    const { loadRuntime: load } = await import('../../src/runtime');
    const runtime = load();
    expect(runtime.kind).toBe('onnxruntime-node');
    expect(runtime.fallbackReason).toMatch(/koffi cannot be loaded/);
    const x = runtime.createValue(Float32Array.of(1, 2, 3, 4), [4], 'float32');
    const y = runtime.createValue(new Float32Array(4), [4], 'float32');
    const session = runtime.createSession(doubling());
    session.createBinding({ x }, { y }).run();
    expect([...y.data]).toEqual([2, 4, 6, 8]);
    session.dispose();
  });

  it('does not fall back from the C API when that was asked for', async () => {
    withhold('koffi');
    const { loadRuntime: load } = await import('../../src/runtime');
    expectError(() => load({ prefer: 'c-api' }), 'E_RUNTIME_MISSING', /koffi cannot be loaded: .*; npm install koffi/);
  });

  it('says so when there is neither', async () => {
    withhold('koffi', 'onnxruntime-node');
    const { loadRuntime: load } = await import('../../src/runtime');
    expectError(
      () => load(),
      'E_RUNTIME_MISSING',
      /onnxruntime-node .*cannot be loaded.*; npm install onnxruntime-node/,
    );
  });
});
