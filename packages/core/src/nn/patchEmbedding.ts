import * as tf from '@tensorflow/tfjs-core';
import { linear } from './linear';
import { requireShape, requireTensor, shapeError, sizes } from './shapes';

/**
 * Cuts images into square patches and projects each: a convolution whose stride is its kernel size.
 * Dosovitskiy et al.: "An Image is Worth 16x16 Words" (2020), equation 1; as `torch.nn.functional.conv2d`.
 *
 * @param images [B, C, height, width], height and width multiples of P
 * @param weight [D, C, P, P]
 * @param options `bias` [D]
 * @returns [B, D, height / P, width / P]
 * @throws E_SHAPE when channels differ or P does not divide the image; E_DTYPE, E_TENSOR, E_DISPOSED on bad tensors
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { patchEmbedding } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const patches = patchEmbedding(tf.ones([1, 3, 4, 4]), tf.ones([5, 3, 2, 2]));
 * console.log(patches.shape, patches.dataSync()[0]); // → [ 1, 5, 2, 2 ] 12
 * ```
 */
export function patchEmbedding(
  images: tf.Tensor,
  weight: tf.Tensor,
  options: { bias?: tf.Tensor | undefined } = {},
): tf.Tensor {
  requireTensor('patchEmbedding', 'images', images);
  requireTensor('patchEmbedding', 'weight', weight);
  requireShape('patchEmbedding', 'images', images, [null, null, null, null], 'batch, channels, height, width');
  const [batch, channels, height, width] = sizes(images);
  requireShape(
    'patchEmbedding',
    'weight',
    weight,
    [null, channels, null, null],
    'width, channels, patch height, patch width',
  );
  const [features, , rows, columns] = sizes(weight);
  if (height % rows !== 0 || width % columns !== 0) {
    throw shapeError(
      'patchEmbedding',
      `patches of ${rows} × ${columns} do not tile an image of ${height} × ${width}`,
      'resize the image',
    );
  }
  const [down, across] = [height / rows, width / columns];
  return tf.tidy(() => {
    const tiles = tf.transpose(tf.reshape(images, [batch, channels, down, rows, across, columns]), [0, 2, 4, 1, 3, 5]); // [B, h, w, C, P, P]
    const patches = tf.reshape(tiles, [batch * down * across, channels * rows * columns]); // [N, C·P·P]
    const projected = linear(patches, tf.reshape(weight, [features, channels * rows * columns]), {
      bias: options.bias,
    }); // [N, D]
    return tf.transpose(tf.reshape(projected, [batch, down, across, features]), [0, 3, 1, 2]); // [B, D, h, w]
  });
}
