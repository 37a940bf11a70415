export { isTesseraeError, tesseraeError } from './errors';
export type { TesseraeError, TesseraeErrorOptions } from './errors';
