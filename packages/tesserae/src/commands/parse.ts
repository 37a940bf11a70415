import { InvalidArgumentError } from 'commander';

/** Reads the value of an option. */
type Parse = (text: string) => number;

/** A whole number of at least `least`, for commander. */
export function whole(least: number): Parse {
  return (text: string): number => {
    const value = Number(text);
    return Number.isSafeInteger(value) && value >= least
      ? value
      : refuse(`It must be a whole number from ${least} up.`);
  };
}

/** A number of at least `least`, for commander. */
export function real(least: number): Parse {
  return (text: string): number => {
    const value = Number(text);
    const fits = text.trim() !== '' && Number.isFinite(value) && value >= least;
    return fits
      ? value
      : refuse(least === -Infinity ? 'It must be a number.' : `It must be a number from ${least} up.`);
  };
}

function refuse(message: string): never {
  // eslint-disable-next-line no-restricted-syntax -- commander takes this error and adds the option that it is about
  throw new InvalidArgumentError(message);
}
