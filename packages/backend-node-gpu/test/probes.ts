import type { NodeGpuPackage, NodeGpuProbes } from '@tesserae/backend-node-gpu';

/** What a scripted machine has; everything that is left out is missing. */
export interface Machine {
  installed?: readonly NodeGpuPackage[];
  binding?: boolean;
  tensorflow?: boolean;
  driver?: boolean;
  libraries?: readonly string[];
  platform?: string;
  load?: (folder: string) => unknown;
}

/** Probes that answer for a machine that a test describes. */
export function machine(has: Machine): NodeGpuProbes {
  return {
    platform: has.platform ?? 'linux',
    packageFolder: (name) => (has.installed?.includes(name) ? `/modules/${name}` : undefined),
    list: (folder) => {
      if (folder.endsWith('/lib/napi-v8')) return has.binding ? ['tfjs_binding.node'] : [];
      if (folder.endsWith('/deps/lib')) return has.tensorflow ? ['libtensorflow.so', 'tensorflow.dll'] : [];
      return folder.endsWith('/lib') ? ['napi-v8'] : [];
    },
    libraries: () => [...(has.libraries ?? [])],
    hasDriver: () => has.driver ?? false,
    load: (folder) => {
      if (has.load === undefined) throw new Error(`nothing may be loaded from ${folder}`);
      return has.load(folder);
    },
  };
}
