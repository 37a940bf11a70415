/** Watches a row's text for stop strings, and holds back what may yet turn out to be the beginning of one. */
export interface StopWatch {
  /** Adds a piece; returns the text that is certain to be wanted, and whether a stop string came up. */
  push(piece: string): { text: string; stopped: boolean };
  /** What was held back, when nothing more comes. */
  end(): string;
}

/** How many characters at the end of `text` begin a stop string. */
function heldBack(text: string, stops: readonly string[]): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const ending = text.slice(text.length - length);
    if (stops.some((stop) => stop.startsWith(ending))) return length;
  }
  return 0;
}

/** The text ends before whichever stop string comes first. */
export function watchForStops(stops: readonly string[]): StopWatch {
  let held = '';
  return {
    push(piece) {
      const text = held + piece;
      const at = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
      if (at.length > 0) {
        held = '';
        return { text: text.slice(0, Math.min(...at)), stopped: true };
      }
      const length = heldBack(text, stops);
      held = text.slice(text.length - length);
      return { text: text.slice(0, text.length - length), stopped: false };
    },
    end() {
      const text = held;
      held = '';
      return text;
    },
  };
}
