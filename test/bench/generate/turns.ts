import { createInterface } from 'node:readline';
import { peakBytes } from '../peer/obey';

/** One generation: the pass over the prompt with the first token, then each further token. */
export interface Turn {
  readonly prefillMilliseconds: number;
  readonly decodeMilliseconds: number;
  readonly ids: readonly number[];
}

const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

/** A peer's side of the conversation: a generation for each order, until told to end. */
export async function takeTurns(generate: () => Promise<Turn>): Promise<void> {
  await generate(); // warm up
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    if ((JSON.parse(line) as { end?: boolean }).end) break;
    const { prefillMilliseconds, decodeMilliseconds, ids } = await generate();
    say({ milliseconds: [prefillMilliseconds, decodeMilliseconds], value: ids.length, ids });
  }
  say({ peakBytes: peakBytes() });
  process.exit(0);
}
