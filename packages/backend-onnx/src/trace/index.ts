export type { FlatCompileOptions, FlatCompiler, FlatProgram } from './types';
