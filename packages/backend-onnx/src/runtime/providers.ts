import { isTesseraeError } from '@tesserae/registry';
import { availableProviders } from './environment';
import { reasonOf, runtimeError } from './errors';
import type { NativeApi } from './nativeApi';
import type { Provider } from './types';

/** How ONNX Runtime names a provider in its list, and where it is asked for one. */
const names = {
  webgpu: { listed: 'WebGpuExecutionProvider', asked: 'WebGPU' },
  cuda: { listed: 'CUDAExecutionProvider', asked: 'CUDA' },
} as const;

/**
 * Lets a session compute on a provider; what it cannot do falls to the CPU.
 *
 * @throws E_PROVIDER when the library does not have it, or it does not start here
 */
export function appendProvider(
  api: NativeApi,
  sessionOptions: number,
  provider: Provider,
  settings: Record<string, string>,
): void {
  if (provider === 'cpu') return;
  const { listed, asked } = names[provider];
  const providers = availableProviders(api);
  if (!providers.includes(listed)) {
    throw runtimeError(
      'E_PROVIDER',
      `this ONNX Runtime has no ${listed}; it has ${providers.join(', ')}`,
      "use provider 'cpu'",
      {
        details: { providers },
      },
    );
  }
  try {
    append(api, sessionOptions, provider, asked, settings);
  } catch (cause) {
    throw providerError(provider, cause);
  }
}

/** The error of a provider that is there and does not start: no driver, no device. */
export function providerError(provider: Provider, cause: unknown): Error {
  const reason = isTesseraeError(cause) ? String(cause.details?.ortMessage) : reasonOf(cause);
  return runtimeError(
    'E_PROVIDER',
    `the provider ${provider} does not start: ${reason.trim()}`,
    "install what the message names, or use provider 'cpu'",
    { cause },
  );
}

function append(
  api: NativeApi,
  sessionOptions: number,
  provider: 'webgpu' | 'cuda',
  asked: string,
  settings: Record<string, string>,
): void {
  const { table, check, read } = api;
  const keys = pointersTo(api, Object.keys(settings));
  const values = pointersTo(api, Object.values(settings).map(String));
  const count = keys.strings.length;
  const doing = `use the provider ${provider}`;
  if (provider === 'webgpu') {
    check(
      table.SessionOptionsAppendExecutionProvider(sessionOptions, asked, keys.pointers, values.pointers, count),
      doing,
    );
    return;
  }
  const cuda = read(table.CreateCUDAProviderOptions, doing);
  try {
    if (count > 0) check(table.UpdateCUDAProviderOptions(cuda, keys.pointers, values.pointers, count), doing);
    check(table.SessionOptionsAppendExecutionProvider_CUDA_V2(sessionOptions, cuda), doing);
  } finally {
    table.ReleaseCUDAProviderOptions(cuda);
  }
}

/** An array of C strings. Both lists must stay reachable while the library reads them. */
function pointersTo({ koffi }: NativeApi, texts: string[]): { strings: Uint8Array[]; pointers: BigUint64Array } {
  const strings = texts.map((text) => new TextEncoder().encode(`${text}\0`));
  const pointers = BigUint64Array.from(strings, (bytes) => {
    void bytes.buffer;
    return koffi.address(bytes);
  });
  return { strings, pointers: pointers.length > 0 ? pointers : new BigUint64Array(1) };
}
