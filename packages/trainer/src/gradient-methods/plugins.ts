import { fgm } from './fgm';
import { gradnorm } from './gradnorm';
import { pcgrad } from './pcgrad';
import { uncertaintyWeighting } from './uncertainty-weighting';

/** Every gradient method of this package for a registry: `createRegistry(gradientMethodPlugins)`. */
export const gradientMethodPlugins = [fgm, gradnorm, pcgrad, uncertaintyWeighting] as const;
