import type { Tensor } from '@tensorflow/tfjs-core';
import { flattenParams, isWeightForm, weightOperations } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describeValue, tesseraeError } from '@tesserae/registry';

/** The float tensors of a model by the paths under which `train` knows them. @throws E_OPTION for what is no model */
export function startOf(speaker: string, model: Model): Map<string, Tensor> {
  const given = model as Partial<Model> | null | undefined;
  if (typeof given?.architecture?.forward !== 'function' || typeof given.params !== 'object')
    throw refuse(
      speaker,
      `reference is ${describeValue(model)}, not a model`,
      'give the model that training starts from',
    );
  const all = flattenParams(model.params).flatMap(([path, weight]): [string, Tensor][] =>
    isWeightForm(weight)
      ? Object.entries(weightOperations(weight).tensors(weight)).map(([name, inside]) => [`${path}#${name}`, inside])
      : [[path, weight]],
  );
  return new Map(all.filter(([, tensor]) => tensor.dtype === 'float32'));
}

/** @throws E_OPTION unless some parameter has a tensor of its path, and all of those the same shape */
export function requireMatch(
  speaker: string,
  parameters: ReadonlyMap<string, Tensor>,
  tensors: Readonly<Record<string, Tensor>>,
): void {
  const shared = [...parameters].filter(([path]) => Object.hasOwn(tensors, path));
  if (shared.length === 0)
    throw refuse(
      speaker,
      `the reference has none of the ${parameters.size} parameters that learn`,
      'give the model that training starts from',
    );
  for (const [path, { shape }] of shared) {
    if (shape.join() === tensors[path].shape.join()) continue;
    throw refuse(
      speaker,
      `${path} is [${shape.join(', ')}], in the reference [${tensors[path].shape.join(', ')}]`,
      'give the model that training starts from',
    );
  }
}

const refuse = (speaker: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: speaker, code: 'E_OPTION', message, fix });
