import { tesseraeError } from '@tesserae/registry';

/** What a metric was given and cannot use. */
export function metricInput(metric: string, message: string, fix: string): Error {
  return tesseraeError({ package: 'trainer', plugin: metric, code: 'E_METRIC_INPUT', message, fix });
}

/** @throws E_METRIC_INPUT unless both are lists of the same length, with at least one entry */
export function checkPairs(metric: string, first: [name: string, list: unknown], second: [string, unknown]): void {
  const lengths = [first, second].map(([name, list]) => {
    const length = (list as ArrayLike<unknown> | null | undefined)?.length;
    if (typeof list === 'object' && Number.isSafeInteger(length)) return length!;
    throw metricInput(
      metric,
      `${name} is no list but ${list === null ? 'null' : typeof list}`,
      `give ${name} as a list`,
    );
  });
  if (lengths[0] !== lengths[1]) {
    const found = `${lengths[0]} ${first[0]} and ${lengths[1]} ${second[0]}`;
    throw metricInput(
      metric,
      `expected as many ${first[0]} as ${second[0]}, found ${found}`,
      'give one of each a sample',
    );
  }
  if (lengths[0] === 0) throw metricInput(metric, `there are no ${first[0]}`, 'give at least one sample');
}
