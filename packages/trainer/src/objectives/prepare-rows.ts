import type { Model } from '@tesserae/core';
import type { ObjectiveSettings, PreparedData } from './objective';
import { preparePacked } from './packed-rows';
import { preparePadded } from './padded-rows';
import type { PaddedRows } from './padded-rows';

/** Rows in batches, each in a row of its own or several in one, as the settings say. */
export const prepareRows = <R>(model: Model, settings: ObjectiveSettings, source: PaddedRows<R>): PreparedData =>
  settings.packing === undefined ? preparePadded(model, settings, source) : preparePacked(model, settings, source);
