export { isTesseraeError, tesseraeError } from './tesseraeError';
export type { TesseraeError, TesseraeErrorOptions } from './tesseraeError';
