/**
 * A Jupyter kernel as a child process, spoken to in Jupyter's messaging protocol (version 5.3) over ZeroMQ.
 *
 * A message is a list of frames: identities, a delimiter, an HMAC-SHA256 signature, and four JSON texts (header, header
 * of the message that it answers, metadata, content). Requests go out on the shell channel; a cell is done when its
 * reply came there and the kernel has said `idle` on the iopub channel, where the outputs come too.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type * as ZeroMq from 'zeromq';

const delimiter = '<IDS|MSG>';
const channels = ['shell', 'iopub', 'stdin', 'control', 'hb'] as const;

/** Content of the reply to a request. */
export interface KernelReply {
  readonly status?: string;
  readonly execution_count?: number;
}

/** Told of everything that the kernel publishes on behalf of a request. */
export type Listener = (type: string, content: Record<string, unknown>) => void;

/** A kernel that runs. */
export interface Kernel {
  /** Runs code. @throws Error when the kernel dies, or does not answer in time */
  execute(code: string, listener: Listener, timeoutMilliseconds: number): Promise<KernelReply>;
  /** Asks the kernel to end, and makes sure of it. */
  close(): Promise<void>;
}

interface Waiting {
  readonly listener: Listener;
  readonly done: (reply: KernelReply) => void;
  reply?: KernelReply;
  idle: boolean;
}

/** Starts the kernel of a kernelspec in a folder, and waits until it listens on both channels. */
export async function startKernel(specFolder: string, workingFolder: string): Promise<Kernel> {
  const zeromq = loadZeroMq(specFolder);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kernel-')); // sockets are files in it: no ports to find
  const key = randomUUID();
  const address = path.join(folder, 'socket');
  const connectionFile = path.join(folder, 'connection.json');
  writeFileSync(connectionFile, JSON.stringify(connection(address, key)), { mode: 0o600 });
  const child = spawnKernel(specFolder, connectionFile, workingFolder);
  const log = collectLog(child);
  const died = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the kernel died (${signal ?? `exit code ${code}`})\n${log()}`)),
    );
  });
  died.catch(() => undefined); // heard where somebody waits

  const url = (channel: (typeof channels)[number]): string => `ipc://${address}:${channels.indexOf(channel) + 1}`;
  const shell = new zeromq.Dealer({ linger: 0 });
  const control = new zeromq.Dealer({ linger: 0 });
  const iopub = new zeromq.Subscriber({ linger: 0 });
  shell.connect(url('shell'));
  control.connect(url('control'));
  iopub.connect(url('iopub'));
  iopub.subscribe();

  const session = randomUUID();
  const waiting = new Map<string, Waiting>();
  const sign = (parts: readonly (string | Buffer)[]): string =>
    parts.reduce((hash, part) => hash.update(part), createHmac('sha256', key)).digest('hex');
  const send = (socket: ZeroMq.Dealer, type: string, content: object, id: string): Promise<void> => {
    const date = new Date().toISOString();
    const header = { msg_id: id, session, username: 'notebooks', date, msg_type: type, version: '5.3' };
    const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
    return socket.send([delimiter, sign(parts), ...parts]);
  };
  const receive = (frames: readonly Buffer[], channel: 'shell' | 'iopub'): void => {
    const start = frames.findIndex((frame) => frame.toString() === delimiter);
    const parts = frames.slice(start + 2, start + 6);
    if (start < 0 || frames[start + 1].toString() !== sign(parts)) throw new Error('a message with a wrong signature');
    const [header, parent, , content] = parts.map((part) => JSON.parse(part.toString()) as Record<string, unknown>);
    const request = waiting.get(String(parent.msg_id));
    if (!request) return;
    if (channel === 'shell') request.reply = content;
    else if (header.msg_type === 'status') request.idle ||= content.execution_state === 'idle';
    else request.listener(String(header.msg_type), content);
    if (request.reply && request.idle) request.done(request.reply);
  };
  const listen = async (socket: AsyncIterable<Buffer[]>, channel: 'shell' | 'iopub'): Promise<void> => {
    for await (const frames of socket) receive(frames, channel);
  };
  const broken = Promise.race([listen(shell, 'shell'), listen(iopub, 'iopub')]).then(
    () => new Promise<never>(() => {}),
  );
  broken.catch(() => undefined);

  const request = async (type: string, content: object, listener: Listener, limit: number): Promise<KernelReply> => {
    const id = randomUUID();
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<KernelReply>((done) => waiting.set(id, { listener, done, idle: false }));
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
    });
    try {
      await send(shell, type, content, id);
      return await Promise.race([answered, died, broken, late]);
    } finally {
      clearTimeout(timer);
      waiting.delete(id);
    }
  };
  const close = async (): Promise<void> => {
    const ended = new Promise<void>((resolve) =>
      (child.exitCode ?? child.signalCode) === null ? child.once('exit', () => resolve()) : resolve(),
    );
    void send(control, 'shutdown_request', { restart: false }, randomUUID()).catch(() => undefined);
    const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
    await ended;
    clearTimeout(timer);
    for (const socket of [shell, control, iopub]) socket.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(request);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    execute: (code, listener, limit) =>
      request(
        'execute_request',
        { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true },
        listener,
        limit,
      ),
    close,
  };
}

/** The subscription to iopub may begin late, so what proves readiness is asked until it is heard on both channels. */
async function untilReady(
  request: (type: string, content: object, listener: Listener, limit: number) => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await request('kernel_info_request', {}, () => undefined, 1000));
    } catch (error) {
      if (attempt >= 60 || !(error as Error).message.startsWith('no answer')) throw error;
    }
  }
}

function connection(address: string, key: string): object {
  const ports = Object.fromEntries(channels.map((channel, i) => [`${channel}_port`, i + 1]));
  return { transport: 'ipc', ip: address, key, signature_scheme: 'hmac-sha256', kernel_name: 'tslab', ...ports };
}

function spawnKernel(specFolder: string, connectionFile: string, cwd: string): ChildProcess {
  const { argv } = JSON.parse(readFileSync(path.join(specFolder, 'kernel.json'), 'utf8')) as { argv: string[] };
  const [command, ...args] = argv.map((part) =>
    part.replace('{connection_file}', connectionFile).replace('{resource_dir}', specFolder),
  );
  return spawn(command === 'node' ? process.execPath : command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

function collectLog(child: ChildProcess): () => string {
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => (log = (log + String(data)).slice(-2000)));
  return () => log;
}

/** The zeromq that tslab brings. */
function loadZeroMq(from: string): typeof ZeroMq {
  const tslab = createRequire(path.join(from, 'kernel.json')).resolve('tslab/package.json');
  return createRequire(tslab)('zeromq') as typeof ZeroMq;
}
