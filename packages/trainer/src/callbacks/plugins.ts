import { earlyStopping } from './early-stopping';
import { jsonLines } from './json-lines';
import { layerStatistics } from './layer-statistics';
import { liveChart } from './live-chart';
import { lossSpikes } from './loss-spikes';
import { tensorBoard } from './tensor-board';

/** Every callback of this package, for a registry: `createRegistry(callbackPlugins)`. */
export const callbackPlugins = [earlyStopping, jsonLines, layerStatistics, liveChart, lossSpikes, tensorBoard] as const;
