export { summary } from './summary';
export type { ModelSummary, SummaryRow } from './summary';
