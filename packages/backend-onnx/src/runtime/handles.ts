/** Something that the library made for us and that must be freed once. */
export interface Handle {
  /** Its address, 0 once freed. */
  pointer: number;
  readonly free: (pointer: number) => void;
  /** What must be freed before it. */
  readonly children: Set<Handle>;
  readonly parent: Handle | undefined;
}

/** Frees what nobody disposed of. Handles know their children, so the order in which owners are collected does not matter. */
const forgotten: FinalizationRegistry<Handle> = /* @__PURE__ */ new FinalizationRegistry<Handle>(freeHandle);

/**
 * Takes charge of a pointer.
 *
 * @param parent what must outlive it: freeing the parent frees it first
 */
export function createHandle(pointer: number, free: (pointer: number) => void, parent?: Handle): Handle {
  const handle: Handle = { pointer, free, children: new Set(), parent };
  parent?.children.add(handle);
  return handle;
}

/** Frees a handle, its children first; nothing happens the second time. */
export function freeHandle(handle: Handle): void {
  if (handle.pointer === 0) return;
  for (const child of handle.children) freeHandle(child);
  const { pointer } = handle;
  handle.pointer = 0;
  handle.parent?.children.delete(handle);
  handle.free(pointer);
}

/** Frees the handle when `owner` is collected without having been disposed of. */
export function watch(owner: object, handle: Handle): void {
  forgotten.register(owner, handle, handle);
}

/** Frees the handle now; its owner need not be watched any more. */
export function dispose(handle: Handle): void {
  forgotten.unregister(handle);
  freeHandle(handle);
}
