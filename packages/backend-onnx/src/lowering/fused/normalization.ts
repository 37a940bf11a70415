import type { GraphTensor, LoweringGraph } from '../../graph/types';
import type { KernelLowering } from '../types';

const overLast = (x: GraphTensor): number[] => [...x.shape.slice(0, -1), 1];

/** x [.., D], scale [D], bias [D]? → y [.., D], mean [.., 1], inverse standard deviation [.., 1] */
function layerNormalization(
  graph: LoweringGraph,
  [x, scale, bias]: readonly GraphTensor[],
  { epsilon }: Readonly<Record<string, unknown>>,
): GraphTensor[] {
  const statistics = { shape: overLast(x), dtype: 'float32' as const };
  const attributes = { axis: -1, epsilon: { float: (epsilon as number | undefined) ?? 1e-5 } };
  return graph.ops('LayerNormalization', [x, scale, ...(bias ? [bias] : [])], attributes, [
    { shape: x.shape, dtype: x.dtype },
    statistics,
    statistics,
  ]);
}

/** x [.., D], scale [D] → y [.., D], inverse root mean square [.., 1] */
function rmsNormalization(
  graph: LoweringGraph,
  [x, scale]: readonly GraphTensor[],
  { epsilon }: Readonly<Record<string, unknown>>,
): GraphTensor[] {
  const attributes = { axis: -1, epsilon: { float: (epsilon as number | undefined) ?? 1e-6 } };
  const outputs = [
    { shape: x.shape, dtype: x.dtype },
    { shape: overLast(x), dtype: 'float32' as const },
  ];
  return graph.ops('SimplifiedLayerNormalization', [x, scale], attributes, outputs);
}

export const normalizationLowerings: readonly KernelLowering[] = [
  { kernelName: 'LayerNormalization', inputs: ['x', 'scale', 'bias'], lower: layerNormalization },
  { kernelName: 'RmsNormalization', inputs: ['x', 'scale'], lower: rmsNormalization },
];
