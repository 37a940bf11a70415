/**
 * A peer's side of the conversation with a bench. One line of JSON in, one out:
 * `{ "steps": n }` → `{ "milliseconds": [...], "value": last value }`; `{ "end": true }` → `{ "peakBytes": … }`.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

/** The largest resident memory that this process ever had, in bytes. */
export function peakBytes(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

/** Says that it is ready, then runs steps as it is told until told to end. */
export async function obey(step: () => Promise<number>): Promise<void> {
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as { steps?: number; end?: boolean };
    if (order.end) break;
    const milliseconds: number[] = [];
    let value = 0;
    for (let i = 0; i < (order.steps ?? 1); i++) {
      const start = performance.now();
      value = await step();
      milliseconds.push(performance.now() - start);
    }
    say({ milliseconds, value });
  }
  say({ peakBytes: peakBytes() });
}
