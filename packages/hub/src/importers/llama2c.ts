import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import { loadLlama2c, openLlama2c } from '../llama2c/load-llama2c';
import type { Llama2cOptions } from '../llama2c/load-llama2c';
import type { Importer } from './importer';

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'importer:llama2.c': typeof llama2c;
  }
}

/**
 * The plugin `importer:llama2.c`: reads the checkpoints of llama2.c with {@link loadLlama2c}.
 *
 * @param options `tokenizer`, as for `loadLlama2c`
 * @returns the importer
 * @throws as `loadLlama2c`, when it loads
 * @example
 * ```ts
 * import { createRegistry } from '@tesserae/registry';
 * import { llama2c } from '@tesserae/hub';
 *
 * const kit = createRegistry([llama2c]);
 * const importer = await kit.create('importer', 'llama2.c');
 * console.log(await importer.recognizes('package.json')); // → false
 * ```
 */
export const llama2c = /* @__PURE__ */ definePlugin({
  kind: 'importer',
  name: 'llama2.c',
  package: '@tesserae/hub',
  apiVersion: 1,
  description: 'Checkpoints of llama2.c, such as stories15M.bin',
  create: (options: Llama2cOptions = {}): Importer => ({
    format: 'llama2.c',
    recognizes: (file) =>
      openLlama2c(file).then(
        ({ handle }) => handle.close().then(() => true),
        () => false,
      ),
    load: async (file) => (await loadLlama2c(file, options)) as unknown as Model,
  }),
});
