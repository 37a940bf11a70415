export type {
  CallbackAnswer,
  RollbackRequest,
  StopRequest,
  TrainingCallback,
  TrainingContext,
  TrainingWarning,
} from './callback';
export { earlyStopping } from './early-stopping';
export type { EarlyStoppingOptions } from './early-stopping';
export { jsonLines } from './json-lines';
export type { JsonLinesOptions } from './json-lines';
export { layerStatistics } from './layer-statistics';
export type { LayerStatistics, LayerStatisticsOptions } from './layer-statistics';
export { liveChart } from './live-chart';
export type { LiveChartOptions } from './live-chart';
export { lossSpikes } from './loss-spikes';
export type { LossSpikesOptions, SpikeRule } from './loss-spikes';
export { callbackPlugins } from './plugins';
export type { ScoreChoice } from './scores';
export { tensorBoard } from './tensor-board';
export type { TensorBoardOptions } from './tensor-board';
