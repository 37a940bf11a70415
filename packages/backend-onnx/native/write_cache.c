/*
 * Rows of keys or values written into a cache, in place where cache and result share memory:
 *   y[b, k, length + t, :] = rows[b, t, k, :],  every other slot as it was; rows beyond the room are lost.
 * cache [B, K, M, E], rows [B, T, K, E] as projections leave them, length a scalar.
 */
#include "runtime.h"
#include "vector.h"

typedef struct { const float *cache, *rows; float *y; int64_t B, K, M, E, T, length; } Args;

static void write_head(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t batch = (int64_t)task / a->K, head = (int64_t)task % a->K, size = a->M * a->E;
  float *y = a->y + (int64_t)task * size;
  if (a->y != a->cache) memcpy(y, a->cache + (int64_t)task * size, (size_t)size * sizeof(float));
  for (int64_t t = 0; t < a->T; t++) {
    const int64_t slot = a->length + t;
    if (slot < 0 || slot >= a->M) continue;
    memcpy(y + slot * a->E, a->rows + ((batch * a->T + t) * a->K + head) * a->E, (size_t)a->E * sizeof(float));
  }
}
static void write_all(void *argument, size_t task) {
  const Args *a = argument;
  (void)task;
  for (int64_t i = 0; i < a->B * a->K; i++) write_head(argument, (size_t)i);
}

void write_cache(Call *call) {
  const Tensor cache = input_tensor(call, 0), rows = input_tensor(call, 1), length = input_tensor(call, 2);
  const Tensor y = output_tensor(call, 0, cache.shape, cache.rank);
  if (call->status) return;
  Args a = {F32(cache), F32(rows), F32(y), cache.shape[0], cache.shape[1], cache.shape[2], cache.shape[3], 0, *I32(length)};
  a.T = rows.size / (a.B * a.K * a.E);             /* the rows may come in any shape */
  const int small = a.y == a.cache && rows.size < 16384; /* waking another thread takes longer */
  parallel_for(call, small ? 1 : (size_t)(a.B * a.K), small ? write_all : write_head, &a);
}
