/** Memory of disposed tensors, kept for the next tensor of the same number of bytes. */
export interface BufferPool {
  /** A buffer of exactly that many bytes; its content is whatever was in it. */
  take(bytes: number): ArrayBuffer;
  /** Gives a buffer back. What is too much is forgotten, the longest unused first. */
  give(buffer: ArrayBuffer): void;
  /** Forgets every buffer. */
  clear(): void;
  /** Bytes that lie unused. */
  readonly bytes: number;
  /** The most that may lie unused. */
  limit: number;
}

/** Smaller buffers are quicker made than kept. */
const smallest = 1024;

/** Makes a pool that never holds more than `limit` bytes. */
export function createBufferPool(limit: number): BufferPool {
  const free = new Map<number, ArrayBuffer[]>(); // the size used last stands last
  let held = 0;
  const trim = (most: number): void => {
    for (const [size, buffers] of free) {
      while (held > most && buffers.length > 0) {
        buffers.shift();
        held -= size;
      }
      if (buffers.length === 0) free.delete(size);
      if (held <= most) return;
    }
  };
  const pool: BufferPool = {
    limit,
    take(bytes) {
      const buffers = free.get(bytes);
      const buffer = buffers?.pop();
      if (!buffer) return new ArrayBuffer(bytes);
      held -= bytes;
      if (buffers!.length === 0) free.delete(bytes);
      return buffer;
    },
    give(buffer) {
      const bytes = buffer.byteLength;
      if (bytes < smallest || bytes > pool.limit) return;
      const buffers = free.get(bytes) ?? [];
      buffers.push(buffer);
      free.delete(bytes);
      free.set(bytes, buffers);
      held += bytes;
      if (held > pool.limit) trim(pool.limit);
    },
    clear() {
      free.clear();
      held = 0;
    },
    get bytes() {
      return held;
    },
  };
  return pool;
}
