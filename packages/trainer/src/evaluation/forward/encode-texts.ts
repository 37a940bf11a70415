import type { Model } from '@tesserae/core';
import { badData, checkIds, tokenizerOf } from '../evaluation-errors';
import { positionsOf } from './positions';
import type { ForwardRow } from './run-forward';

/** A text, or its ids. */
export type TextOrIds = string | ArrayLike<number>;

/** A text as checked ids, however many. @throws as the checks say */
export function encodeWhole(task: string, model: Model, text: TextOrIds, place: string): ArrayLike<number> {
  const given = typeof text === 'string' ? tokenizerOf(task, model).encode(text) : text;
  if (typeof given !== 'object' || !(given?.length > 0))
    throw badData(task, `${place} holds no token`, 'give a text, or at least one id');
  checkIds(task, given, model);
  return given;
}

/** A text as a row of ids; what is longer than the model's positions is cut at the end. @throws as the checks say */
export const encodeText = (task: string, model: Model, text: TextOrIds, place: string): ForwardRow => ({
  inputIds: Array.from(encodeWhole(task, model, text, place)).slice(0, positionsOf(model)),
});
