import { clauseOrder } from './clause-order';
import { clefting } from './clefting';
import { contractionExpansion } from './contraction-expansion';
import { roundTrip } from './round-trip';
import { synonymInsertion } from './synonym-insertion';
import { synonymReplacement } from './synonym-replacement';
import { voiceChange } from './voice-change';
import { characterDeletion } from './character-deletion';
import { characterInsertion } from './character-insertion';
import { characterSwap } from './character-swap';
import { keyboardSlips } from './keyboard-slips';
import { misspellings } from './misspellings';
import { wordDeletion } from './word-deletion';
import { wordMasking } from './word-masking';
import { wordSwap } from './word-swap';

/** Every augmenter of this package for a registry: `createRegistry(augmenterPlugins)`. */
export const augmenterPlugins = [
  characterDeletion,
  characterInsertion,
  characterSwap,
  keyboardSlips,
  misspellings,
  wordDeletion,
  wordMasking,
  wordSwap,
  clauseOrder,
  clefting,
  contractionExpansion,
  roundTrip,
  synonymInsertion,
  synonymReplacement,
  voiceChange,
] as const;
