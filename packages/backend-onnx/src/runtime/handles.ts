/** Something that the library made for us and that must be freed once. */
export interface Handle {
  /** Its address, 0 once freed. */
  pointer: number;
  readonly free: (pointer: number) => unknown;
  /** What must be freed before it. */
  children: Set<Handle> | undefined;
  readonly parent: Handle | undefined;
}

/** Frees what nobody disposed of. Handles know their children, so the order in which owners are collected does not matter. */
const forgotten: FinalizationRegistry<Handle> = /* @__PURE__ */ new FinalizationRegistry<Handle>(freeHandle);

/**
 * Takes charge of a pointer.
 *
 * @param free the library's own function: a closure would share its scope, and whatever its scope holds would never be collected
 * @param parent what must outlive it: freeing the parent frees it first
 */
export function createHandle(pointer: number, free: Handle['free'], parent?: Handle): Handle {
  const handle: Handle = { pointer, free, children: undefined, parent };
  if (parent !== undefined) (parent.children ??= new Set()).add(handle);
  return handle;
}

/** Frees a handle, its children first; nothing happens the second time. */
export function freeHandle(handle: Handle): void {
  if (handle.pointer === 0) return;
  if (handle.children !== undefined) for (const child of handle.children) freeHandle(child);
  const { pointer } = handle;
  handle.pointer = 0;
  handle.parent?.children?.delete(handle);
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
