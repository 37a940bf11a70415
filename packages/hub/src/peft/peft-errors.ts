import { tesseraeError } from '@tesserae/registry';

/** An adapter was made for another model. */
export const otherBase = (message: string, fix: string, details?: Record<string, unknown>): Error =>
  tesseraeError({ package: 'hub', code: 'E_ADAPTER_BASE', message, fix, ...(details && { details }) });

/** An adapter is for modules that the model does not have. */
export const unknownModules = (file: string, names: readonly string[], known: readonly string[]): Error =>
  tesseraeError({
    package: 'hub',
    code: 'E_ADAPTER_TARGET',
    message: `${file} is for modules that the model does not have: ${some(names)}`,
    fix: `use the base that it was made for; this one has ${some(known)}`,
    details: { names },
  });

/** Tensors that should be there are not. */
export const missingTensors = (file: string, names: readonly string[]): Error =>
  tesseraeError({
    package: 'hub',
    code: 'E_MISSING_TENSORS',
    message: `${file} lacks ${some(names)}`,
    fix: 'check that adapter_config.json and adapter_model.safetensors belong together',
    details: { names },
  });

/** A tensor that no adapter of its kind has. */
export const extraTensors = (file: string, names: readonly string[]): Error =>
  tesseraeError({
    package: 'hub',
    code: 'E_EXTRA_TENSORS',
    message: `${file} holds what no adapter of its kind does: ${some(names)}`,
    fix: 'check that adapter_config.json and adapter_model.safetensors belong together',
    details: { names },
  });

/** A tensor that does not fit the others or the config. */
export const adapterShape = (file: string, name: string, found: readonly number[], expected: string): Error =>
  tesseraeError({
    package: 'hub',
    code: 'E_TENSOR_SHAPE',
    message: `${file}: ${name} is [${found.join(', ')}], expected ${expected}`,
    fix: 'check that adapter_config.json and adapter_model.safetensors belong together',
  });

/** A few names of many. */
export const some = (names: readonly string[]): string =>
  names.slice(0, 8).join(', ') + (names.length > 8 ? `, … (${names.length} in all)` : '');
