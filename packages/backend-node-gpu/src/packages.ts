/** The two npm packages that bring TensorFlow to Node; the first computes on an NVIDIA GPU. */
export type NodeGpuPackage = '@tensorflow/tfjs-node-gpu' | '@tensorflow/tfjs-node';

export const gpuPackage = '@tensorflow/tfjs-node-gpu' satisfies NodeGpuPackage;
export const cpuPackage = '@tensorflow/tfjs-node' satisfies NodeGpuPackage;

/** The name under which both packages register themselves in TensorFlow.js. */
export const backendName = 'tensorflow';
