export type { Attribute, GraphNode, GraphTensor, LoweringGraph, OpOptions, OutputDeclaration } from './types';
