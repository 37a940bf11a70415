import { InvalidArgumentError } from 'commander';

/** A whole number of at least `least`, for commander. */
export const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} up.`);
  };

/** A number of at least `least`, for commander. */
export const real =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} up.`);
  };
