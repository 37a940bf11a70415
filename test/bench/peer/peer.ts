import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a peer is started. */
export interface PeerCommand {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A running peer: a process of its own, so that memory and threads are its own. */
export interface Peer {
  readonly name: string;
  /** Runs steps; milliseconds of each, and the last value (a loss). */
  run(steps: number): Promise<{ milliseconds: number[]; value: number }>;
  /** Ends the process. Its largest resident memory, in bytes. */
  end(): Promise<number>;
}

/** Starts a peer. @throws Error with the end of what the peer printed, when it cannot start here */
export async function startPeer({ name, command, arguments: args, environment }: PeerCommand): Promise<Peer> {
  const child: ChildProcessWithoutNullStreams = spawn(command, args, { env: { ...process.env, ...environment } });
  const answers: ((line: string | undefined) => void)[] = [];
  let errors = '';
  child.stderr.on('data', (data) => (errors = (errors + String(data)).slice(-2000)));
  child.on('error', (error) => (errors = String(error)));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    if (line.startsWith('{')) answers.shift()?.(line);
  });
  lines.on('close', () => answers.splice(0).forEach((answer) => answer(undefined)));
  const next = async <T>(): Promise<T> => {
    const line = await new Promise<string | undefined>((resolve) => answers.push(resolve));
    if (line === undefined) throw new Error(`${name} stopped: ${errors.trim().split('\n').slice(-3).join(' | ')}`);
    return JSON.parse(line) as T;
  };
  const ask = <T>(order: object): Promise<T> => {
    const answer = next<T>();
    child.stdin.write(`${JSON.stringify(order)}\n`);
    return answer;
  };
  child.stdin.on('error', () => undefined); // a peer that stopped is reported by its closed output
  await next();
  return {
    name,
    run: (steps) => ask({ steps }),
    end: async () => {
      const { peakBytes } = await ask<{ peakBytes: number }>({ end: true });
      child.stdin.end(); // an open pipe may keep the peer alive, and with it the bench
      return peakBytes;
    },
  };
}
