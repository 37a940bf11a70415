export { describePluginContract } from './describePluginContract';
export type { PluginContractOptions, TestRunner } from './describePluginContract';
