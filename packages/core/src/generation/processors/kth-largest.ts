/** The k-th largest value (k at most the length), by keeping the k best in a heap whose root is the smallest of them. */
export function kthLargest(values: Float32Array, k: number): number {
  const heap = values.slice(0, k);
  const sink = (from: number): void => {
    for (let parent = from; ;) {
      let child = 2 * parent + 1;
      if (child >= k) return;
      if (child + 1 < k && heap[child + 1] < heap[child]) child++;
      if (heap[parent] <= heap[child]) return;
      [heap[parent], heap[child]] = [heap[child], heap[parent]];
      parent = child;
    }
  };
  for (let i = (k >> 1) - 1; i >= 0; i--) sink(i);
  for (let i = k; i < values.length; i++) {
    if (values[i] > heap[0]) {
      heap[0] = values[i];
      sink(0);
    }
  }
  return heap[0];
}
