import type * as tf from '@tensorflow/tfjs-core';
import { causalLoss, compile, createCapture } from '@tesserae/core';
import type { ForwardInputs, Model, Params } from '@tesserae/core';
import type { Golden } from './golden';
import { compareNumber, tolerances } from './report';
import type { VerifyRow } from './report';

/** The model as `forward_kwargs` ask for it: `output_router_logits` adds the experts' balance to the loss. */
export function withForwardArguments(model: Model, { inputs }: Golden): Model {
  const asked = inputs.forward_kwargs?.output_router_logits;
  if (typeof asked !== 'boolean' || !('outputRouterLogits' in model.config)) return model;
  return { ...model, config: { ...model.config, outputRouterLogits: asked } as Model['config'] };
}

/** Compares `aux_loss`, the balance before its coefficient, and `loss_without_aux`. */
export async function checkExperts(
  model: Model,
  { aux_loss: balance, loss_without_aux: own }: Golden,
  inputs: ForwardInputs,
  labels: tf.Tensor,
): Promise<VerifyRow[]> {
  if (typeof balance !== 'number' || typeof own !== 'number') return [];
  const { architecture, config } = model;
  const forward = compile(
    (params: Params, given: ForwardInputs, wanted: tf.Tensor): Record<string, tf.Tensor> => {
      const capture = createCapture({ names: ['loadBalance'] });
      const { logits } = architecture.forward(params, given, { config, capture });
      return { ...capture.values, own: causalLoss(logits, wanted) };
    },
    { name: 'verify experts' },
  );
  const { loadBalance, own: found } = await forward.runAsync(model.params, inputs, labels);
  const rows = [
    compareNumber('aux_loss', (await loadBalance.data())[0], balance, tolerances.loss),
    compareNumber('loss_without_aux', (await found.data())[0], own, tolerances.loss),
  ];
  loadBalance.dispose();
  found.dispose();
  forward.dispose();
  return rows;
}
