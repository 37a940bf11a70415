export { compile } from './compile';
export type * from './types';
