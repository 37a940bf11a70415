/** A place on the way: how many steps were done at what time. */
interface Mark {
  step: number;
  milliseconds: number;
}

/** How fast it goes and how long it will take. */
export interface RateMeter {
  /** Notes that `step` steps are done now. */
  mark(step: number): void;
  /** Steps a second over the last quarter of a minute; undefined before there is a difference to measure. */
  stepsPerSecond(): number | undefined;
  /** Seconds until `total` steps are done; undefined when that cannot be said. */
  secondsLeft(total: number): number | undefined;
  /** Seconds since the meter was made. */
  elapsedSeconds(): number;
}

const WINDOW_MILLISECONDS = 15_000;
const FEWEST_MARKS = 3;

/**
 * Measures over a sliding window, so that a slow start (a first step that compiles) is soon forgotten. Once there are
 * later marks, the time before the first of them is not counted at all.
 *
 * @param now the time in milliseconds
 * @param start the steps done when it begins (a resumed run does not begin at 0)
 */
export function createRateMeter(now: () => number, start: number): RateMeter {
  const begin = now();
  const marks: Mark[] = [{ step: start, milliseconds: begin }];
  let hasStart = true;
  return {
    mark(step) {
      const milliseconds = now();
      const last = marks[marks.length - 1];
      if (step === last.step) return;
      if (step < last.step) marks.length = 0; // it began again: measure anew
      marks.push({ step, milliseconds });
      if (hasStart && marks.length > 2) {
        marks.shift();
        hasStart = false;
      }
      while (marks.length > FEWEST_MARKS && milliseconds - marks[1].milliseconds >= WINDOW_MILLISECONDS) marks.shift();
      if (marks.length > 512) marks.splice(1, 1); // thin out quick steps, keep the ends
    },
    stepsPerSecond() {
      const first = marks[0];
      const last = marks[marks.length - 1];
      const seconds = (last.milliseconds - first.milliseconds) / 1000;
      return last.step > first.step && seconds > 0 ? (last.step - first.step) / seconds : undefined;
    },
    secondsLeft(total) {
      const rate = this.stepsPerSecond();
      const last = marks[marks.length - 1];
      if (rate === undefined) return last.step >= total ? 0 : undefined;
      const sinceLast = (now() - last.milliseconds) / 1000;
      return Math.max(0, (total - last.step) / rate - sinceLast);
    },
    elapsedSeconds: () => (now() - begin) / 1000,
  };
}
