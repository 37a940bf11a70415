import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { tesseraeError } from '@tesserae/registry';

/** Where to go on in a file, and how to tell whole records. */
export interface AppendOptions {
  /** Bytes of the file that stay; what stands behind them is cut off. Everything stays when absent. */
  readonly keepBytes?: number | undefined;
  /** Where the last whole record of some bytes ends. */
  readonly endOfRecords: (bytes: Uint8Array) => number;
}

/** A file to which whole records are added: it never ends in a part of one, unless the power fails. */
export interface AppendFile {
  readonly bytes: number;
  /** Whether less was there than should have been kept. */
  readonly cutShort: boolean;
  /** Adds a record by one call of the system. */
  append(record: Uint8Array): void;
  /** Returns when the disk has everything. */
  sync(): void;
  close(): void;
}

/**
 * Opens a file to add records to it.
 *
 * @throws E_LOG_FILE when it cannot be opened
 */
export function openAppendFile(file: string, { keepBytes, endOfRecords }: AppendOptions): AppendFile {
  let descriptor: number;
  try {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    descriptor = openSync(file, existsSync(file) && keepBytes !== 0 ? 'r+' : 'w+');
  } catch (cause) {
    throw logFileError(file, cause);
  }
  const { size } = fstatSync(descriptor);
  const wanted = keepBytes ?? size;
  let bytes = endOfRecords(readStart(descriptor, Math.min(wanted, size)));
  const cutShort = keepBytes !== undefined && bytes < keepBytes;
  if (bytes < size) ftruncateSync(descriptor, bytes);
  return {
    get bytes() {
      return bytes;
    },
    cutShort,
    append(record) {
      try {
        const written = writeSync(descriptor, record, 0, record.length, bytes);
        if (written < record.length) writeRest(descriptor, record, written, bytes);
      } catch (cause) {
        ftruncateSync(descriptor, bytes); // no part of a record stays
        throw logFileError(file, cause);
      }
      bytes += record.length;
    },
    sync: () => fsyncSync(descriptor),
    close: () => closeSync(descriptor),
  };
}

function writeRest(descriptor: number, record: Uint8Array, from: number, start: number): void {
  for (let at = from; at < record.length;) at += writeSync(descriptor, record, at, record.length - at, start + at);
}

function readStart(descriptor: number, length: number): Uint8Array {
  const found = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = readSync(descriptor, found, at, length - at, at);
    if (read === 0) break;
    at += read;
  }
  return found.subarray(0, at);
}

/** A log file that cannot be written. */
export function logFileError(file: string, cause: unknown): Error {
  return tesseraeError({
    package: 'trainer',
    code: 'E_LOG_FILE',
    message: `${file} cannot be written (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
    fix: 'make room on the disk, or give a place that this user may write to',
    details: { file },
    cause,
  });
}

/** A new run must not write into the log of another one. */
export function logExists(speaker: string, file: string): Error {
  return tesseraeError({
    package: 'trainer',
    plugin: speaker,
    code: 'E_LOG_EXISTS',
    message: `${file} is there already, from another run`,
    fix: 'resume that run, pass overwrite: true to begin the log anew, or give another place',
    details: { file },
  });
}
