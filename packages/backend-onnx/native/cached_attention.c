/*
 * What a layer does between its projections when it generates: queries and keys are turned by the angles of their positions
 * (where cosines and sines are given), keys and values are written into slots length, length + 1, ... of their caches, and
 * the queries attend to what the caches hold. The same arithmetic as Rotary, WriteCache and MaskedAttention one by one, in
 * one node, and at one meeting of the threads.
 * q [B, T, H, E], k and v [B, T, K, E] as projections leave them; caches [B, K, M, E], updated in place where they are
 * their results' memory; length, a scalar; cosines and sines [B or 1, 1, T, E/2]; bias as for MaskedAttention.
 */
#include <stdlib.h>
#include "cached_attention.h"
#include "vector.h"

enum { POSITIONS = 16 };                           /* positions in one task */

static void turn(const float *x, int64_t heads, int64_t E, const float *cos, const float *sin, float *y, int64_t y_step) {
  const int64_t half = E / 2; /* a multiple of eight */
  for (int64_t head = 0; head < heads; head++, x += E, y += y_step)
    for (int64_t i = 0; i < half; i += LANES) {
      const vec first = load(x + i), second = load(x + half + i), c = load(cos + i), s = load(sin + i);
      store(y + i, first * c - second * s);
      store(y + half + i, second * c + first * s);
    }
}
static void copy(const float *x, int64_t heads, int64_t E, float *y, int64_t y_step) {
  for (int64_t head = 0; head < heads; head++) memcpy(y + head * y_step, x + head * E, (size_t)E * sizeof(float));
}
static void place(const CachedAttention *a, int64_t batch, int64_t t) {
  const int64_t T = a->attention.T, H = a->attention.H, K = a->attention.K, M = a->attention.S, E = a->attention.E;
  const int64_t at = batch * T + t, slot = a->length + t, head = M * E, to = batch * K * head + slot * E;
  const int64_t angles = batch * a->table_step + t * E / 2;
  const float *cos = a->turned ? a->cos + angles : 0, *sin = a->turned ? a->sin + angles : 0;
  if (a->turned) turn(a->q + at * H * E, H, E, cos, sin, a->turned + at * H * E, E);
  if (slot < 0 || slot >= M) return;               /* rows beyond the room are lost */
  if (a->turned) turn(a->k + at * K * E, K, E, cos, sin, a->new_keys + to, head);
  else copy(a->k + at * K * E, K, E, a->new_keys + to, head);
  copy(a->v + at * K * E, K, E, a->new_values + to, head);
}
static void place_some(void *argument, size_t task) {
  const CachedAttention *a = argument;
  const int64_t T = a->attention.T, end = ((int64_t)task + 1) * POSITIONS, all = a->attention.B * T;
  for (int64_t i = (int64_t)task * POSITIONS; i < end && i < all; i++) place(a, i / T, i % T);
}
/** Where caches and results do not share memory. */
static void copy_head(void *argument, size_t task) {
  const CachedAttention *a = argument;
  const int64_t size = a->attention.S * a->attention.E, at = (int64_t)task * size;
  if (a->keys != a->new_keys) memcpy(a->new_keys + at, a->keys + at, (size_t)size * sizeof(float));
  if (a->values != a->new_values) memcpy(a->new_values + at, a->values + at, (size_t)size * sizeof(float));
}

CachedAttention cached_attention_of(Call *call, size_t first, int64_t q_size) {
  const Tensor keys = input_tensor(call, first), values = input_tensor(call, first + 1), length = input_tensor(call, first + 2);
  const Tensor cos = input_tensor(call, first + 3), sin = input_tensor(call, first + 4), bias = input_tensor(call, first + 5);
  CachedAttention a = {0};
  if (call->status) return a;
  const Tensor new_keys = output_tensor(call, 1, keys.shape, keys.rank), new_values = output_tensor(call, 2, values.shape, values.rank);
  if (call->status) return a;
  a.cos = F32(cos), a.sin = F32(sin), a.keys = F32(keys), a.values = F32(values), a.length = *I32(length);
  a.new_keys = F32(new_keys), a.new_values = F32(new_values);
  a.attention = attention_of(call, 0, q_size, &new_keys, &new_values, 1);
  a.attention.first = a.length;
  if (bias.data) read_bias(&a.attention, &bias);
  const int64_t B = a.attention.B, half = a.attention.T * a.attention.E / 2;
  a.table_step = cos.size == B * half && B > 1 ? half : 0;
  return a;
}

int cached_attention_phases(Call *call, CachedAttention *a, Phase *phases) {
  Attention *attention = &a->attention;
  int count = 0;
  attention->q = a->turned ? a->turned : a->q;
  if (a->keys != a->new_keys || a->values != a->new_values)
    phases[count++] = (Phase){copy_head, a, (size_t)(attention->B * attention->K)};
  phases[count++] = (Phase){place_some, a, (size_t)((attention->B * attention->T + POSITIONS - 1) / POSITIONS)};
  return count + attention_phases(call, attention, phases + count);
}

void cached_attention(Call *call) {
  const Tensor q = input_tensor(call, 0), k = input_tensor(call, 1), v = input_tensor(call, 2);
  if (call->status) return;
  CachedAttention a = cached_attention_of(call, 3, q.size);
  const int64_t shape[] = {a.attention.B, a.attention.T, a.attention.H, a.attention.E};
  if (call->status) return;
  a.q = F32(q), a.k = F32(k), a.v = F32(v), a.attention.out = F32(output_tensor(call, 0, shape, 4));
  if (a.cos && !(a.turned = scratch(call, q.size))) return;
  Phase phases[CACHED_PHASES];
  if (!call->status) parallel_phases(call, phases, cached_attention_phases(call, &a, phases));
  finish_attention(call, &a.attention);
  free(a.turned);
}
