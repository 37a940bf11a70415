import { characterDeletion } from './character-deletion';
import { characterInsertion } from './character-insertion';
import { characterSwap } from './character-swap';
import { keyboardSlips } from './keyboard-slips';
import { misspellings } from './misspellings';
import { wordDeletion } from './word-deletion';
import { wordMasking } from './word-masking';
import { wordSwap } from './word-swap';

/** Every augmenter of this package that needs no model, for a registry: `createRegistry(augmenterPlugins)`. */
export const augmenterPlugins = [
  characterDeletion,
  characterInsertion,
  characterSwap,
  keyboardSlips,
  misspellings,
  wordDeletion,
  wordMasking,
  wordSwap,
] as const;
