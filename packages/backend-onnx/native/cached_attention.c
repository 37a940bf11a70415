/*
 * What a layer does between its projections when it generates: queries and keys are turned by the angles of their positions
 * (where cosines and sines are given), keys and values are written into slots length, length + 1, ... of their caches, and
 * the queries attend to what the caches hold. The same arithmetic as Rotary, WriteCache and MaskedAttention one by one, in
 * one node, and at one meeting of the threads.
 * q [B, T, H, E], k and v [B, T, K, E] as projections leave them; caches [B, K, M, E], updated in place where they are
 * their results' memory; length, a scalar; cosines and sines [B or 1, 1, T, E/2]; bias as for MaskedAttention.
 */
#include <stdlib.h>
#include "masked_attention.h"
#include "vector.h"

enum { POSITIONS = 16 };                           /* positions in one task */
typedef struct {
  const float *q, *k, *v, *cos, *sin, *keys, *values;
  float *turned, *new_keys, *new_values;           /* turned: the queries; NULL where there is nothing to turn */
  int64_t B, T, H, K, M, E, length, table_step;
} Args;

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
static void place(const Args *a, int64_t batch, int64_t t) {
  const int64_t at = batch * a->T + t, slot = a->length + t, head = a->M * a->E, to = batch * a->K * head + slot * a->E;
  const int64_t angles = batch * a->table_step + t * a->E / 2;
  const float *cos = a->turned ? a->cos + angles : 0, *sin = a->turned ? a->sin + angles : 0;
  if (a->turned) turn(a->q + at * a->H * a->E, a->H, a->E, cos, sin, a->turned + at * a->H * a->E, a->E);
  if (slot < 0 || slot >= a->M) return;            /* rows beyond the room are lost */
  if (a->turned) turn(a->k + at * a->K * a->E, a->K, a->E, cos, sin, a->new_keys + to, head);
  else copy(a->k + at * a->K * a->E, a->K, a->E, a->new_keys + to, head);
  copy(a->v + at * a->K * a->E, a->K, a->E, a->new_values + to, head);
}
static void place_some(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t end = ((int64_t)task + 1) * POSITIONS, all = a->B * a->T;
  for (int64_t i = (int64_t)task * POSITIONS; i < end && i < all; i++) place(a, i / a->T, i % a->T);
}
/** Where caches and results do not share memory. */
static void copy_head(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t size = a->M * a->E, at = (int64_t)task * size;
  if (a->keys != a->new_keys) memcpy(a->new_keys + at, a->keys + at, (size_t)size * sizeof(float));
  if (a->values != a->new_values) memcpy(a->new_values + at, a->values + at, (size_t)size * sizeof(float));
}

void cached_attention(Call *call) {
  const Tensor q = input_tensor(call, 0), k = input_tensor(call, 1), v = input_tensor(call, 2), keys = input_tensor(call, 3);
  const Tensor values = input_tensor(call, 4), length = input_tensor(call, 5), cos = input_tensor(call, 6);
  const Tensor sin = input_tensor(call, 7), bias = input_tensor(call, 8);
  if (call->status) return;
  const Tensor new_keys = output_tensor(call, 1, keys.shape, keys.rank), new_values = output_tensor(call, 2, values.shape, values.rank);
  if (call->status) return;
  Attention attention = attention_of(call, F32(q), q.size, &new_keys, &new_values, 1);
  const int64_t B = attention.B, T = attention.T, shape[] = {B, T, attention.H, attention.E};
  attention.first = *I32(length);
  if (bias.data) read_bias(&attention, &bias);
  attention.out = F32(output_tensor(call, 0, shape, 4));
  if (call->status) return;
  Args a = {F32(q), F32(k), F32(v), F32(cos), F32(sin), F32(keys), F32(values), 0, F32(new_keys), F32(new_values),
            B, T, attention.H, attention.K, attention.S, attention.E, *I32(length), 0};
  if (cos.data) {
    if (!(a.turned = scratch(call, q.size))) return;
    a.table_step = cos.size == B * T * a.E / 2 && B > 1 ? T * a.E / 2 : 0;
    attention.q = a.turned;
  }
  if (a.keys != a.new_keys || a.values != a.new_values) parallel_for(call, (size_t)(B * a.K), copy_head, &a);
  parallel_for(call, (size_t)((B * T + POSITIONS - 1) / POSITIONS), place_some, &a);
  if (!call->status) attend(call, &attention);
  free(a.turned);
}
