import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { compile } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { globalNorm } from '../optimizers/clip-gradients';
import type { OptimizerState } from '../optimizers/index';
import type { LossScaling } from './policy';

/** Where the state of the scale stands beside that of the optimizer. */
export const SCALE_SLOT = 'lossScale';

/** Below this the gradients are not too large for the type: they are no numbers at all. */
const smallestScale = 2 ** -24;

/** The scale of a loss, which follows what happens. */
export interface LossScaler {
  /** What the loss of the next step is multiplied with. */
  readonly scale: number;
  /** Steps so far that were skipped. */
  readonly skipped: number;
  /** Whether the gradients of a step are finite; the scale follows. @throws E_LOSS_SCALE */
  judge(gradients: readonly Tensor[]): Promise<boolean>;
  /** The state as a checkpoint holds it, [scale, steps since it changed, steps skipped], which belongs to the scaler. */
  state(): OptimizerState;
  /** Goes on from what `state` gave, or begins when absent; the tensor stays the caller's. */
  goOnFrom(saved: Tensor | undefined): void;
  dispose(): void;
}

/**
 * Follows the scale of a loss: it grows after `growthInterval` steps without an overflow, and is cut after each overflow,
 * as PyTorch's `GradScaler`. Micikevicius et al.: "Mixed Precision Training" (2018), section 3.2.
 */
export function openLossScaler({ initialScale, growthInterval, growthFactor, backoffFactor }: LossScaling): LossScaler {
  let [scale, good, skipped] = [initialScale, 0, 0];
  let present = tf.tensor1d([scale, good, skipped]);
  const norm = compile((gradients: Tensor[]) => globalNorm(gradients), { name: 'gradientNorm' });
  const keep = (): void => {
    present.dispose();
    present = tf.tensor1d([scale, good, skipped]);
  };
  const follow = (finite: boolean): void => {
    good = finite ? good + 1 : 0;
    if (!finite) {
      skipped++;
      scale = Math.fround(scale * backoffFactor);
      if (scale < smallestScale) throw noScale(skipped);
    } else if (good === growthInterval) {
      good = 0;
      const larger = Math.fround(scale * growthFactor);
      if (Number.isFinite(larger)) scale = larger;
    }
  };
  return {
    get scale() {
      return scale;
    },
    get skipped() {
      return skipped;
    },
    async judge(gradients) {
      const found = await norm.runAsync([...gradients]); // []
      const finite = Number.isFinite((await found.data())[0]);
      found.dispose();
      follow(finite);
      keep();
      return finite;
    },
    state: () => ({ [SCALE_SLOT]: [present] }),
    goOnFrom(saved) {
      [scale, good, skipped] = saved ? Array.from(saved.dataSync()) : [initialScale, 0, 0];
      keep();
    },
    dispose() {
      norm.dispose();
      present.dispose();
    },
  };
}

const noScale = (skipped: number): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_LOSS_SCALE',
    message: `the gradients are not finite at any scale of the loss, after ${skipped} skipped steps`,
    fix: "lower the learning rate, warm up longer, or use precision: 'bfloat16', which has the range of float32",
    details: { skipped },
  });
