import type { Histogram } from './histogram';
import { bytesField, doubleField, doublesField, floatField, joined, stringField, wholeField } from './protobuf';
import { tfRecord } from './records';

/** A number, a histogram or a text that is shown at a step, under a tag such as `loss/train`. */
export type Summary =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: Histogram }
  | { readonly tag: string; readonly text: string };

// Field numbers of event.proto, summary.proto, histogram.proto and tensor.proto of TensorFlow.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const VALUE = { tag: 1, simpleValue: 2, histogram: 5, tensor: 8, metadata: 9 } as const;
const HISTOGRAM = { min: 1, max: 2, num: 3, sum: 4, sumSquares: 5, bucketLimit: 6, bucket: 7 } as const;
const TENSOR = { dtype: 1, shape: 2, stringValue: 8 } as const;
const DTYPE_STRING = 7;
const SESSION_START = 1;

const event = (seconds: number, step: number, what: Uint8Array): Uint8Array =>
  tfRecord(joined([doubleField(EVENT.wallTime, seconds), ...(step > 0 ? [wholeField(EVENT.step, step)] : []), what]));

/** The record that every event file begins with. */
export const versionRecord = (seconds: number): Uint8Array =>
  event(seconds, 0, stringField(EVENT.fileVersion, 'brain.Event:2'));

/** Says that the run goes on from before this step: what was written of later ones does not count any more. */
export const restartRecord = (seconds: number, step: number): Uint8Array =>
  event(seconds, step, bytesField(EVENT.sessionLog, wholeField(1, SESSION_START)));

/** Several summaries of one step. */
export const summaryRecord = (seconds: number, step: number, summaries: readonly Summary[]): Uint8Array =>
  event(seconds, step, bytesField(EVENT.summary, ...summaries.map((one) => bytesField(1, valueOf(one)))));

function valueOf(summary: Summary): Uint8Array {
  const tag = stringField(VALUE.tag, summary.tag);
  if ('scalar' in summary) return joined([tag, floatField(VALUE.simpleValue, summary.scalar)]);
  if ('histogram' in summary) return joined([tag, bytesField(VALUE.histogram, histogramFields(summary.histogram))]);
  const plugin = bytesField(1, stringField(1, 'text')); // SummaryMetadata.plugin_data.plugin_name
  const tensor = joined([
    wholeField(TENSOR.dtype, DTYPE_STRING),
    bytesField(TENSOR.shape, bytesField(2, wholeField(1, 1))), // one dimension of size 1
    stringField(TENSOR.stringValue, summary.text),
  ]);
  return joined([tag, bytesField(VALUE.tensor, tensor), bytesField(VALUE.metadata, plugin)]);
}

const histogramFields = (histogram: Histogram): Uint8Array =>
  joined([
    doubleField(HISTOGRAM.min, histogram.minimum),
    doubleField(HISTOGRAM.max, histogram.maximum),
    doubleField(HISTOGRAM.num, histogram.count),
    doubleField(HISTOGRAM.sum, histogram.sum),
    doubleField(HISTOGRAM.sumSquares, histogram.sumOfSquares),
    doublesField(HISTOGRAM.bucketLimit, histogram.limits),
    doublesField(HISTOGRAM.bucket, histogram.counts),
  ]);
