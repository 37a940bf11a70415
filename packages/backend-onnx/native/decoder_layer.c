/*
 * A layer of a decoder for a few rows, as Llama and its relatives have it, in one node: with n a root-mean-square norm,
 *   y = x + attention(n(x)) Wo,   z = y + (silu(n(y) gate) (n(y) up)) down.
 * The same arithmetic as FewRowsProducts, CachedAttention, MatrixProduct, FewRowsGated and MatrixProduct one by one, at one
 * meeting of the threads: where memory is quick, starting a kernel takes a tenth of its time. x [.., D]; matrices transposed, [N, K]; caches and what follows them as for CachedAttention.
 */
#include <stdlib.h>
#include "cached_attention.h"
#include "few_rows.h"

enum { X, NORM, Q, K, V, OUT, NORM_2, GATE, UP, DOWN, KEYS, Q_BIAS = KEYS + 6, K_BIAS, V_BIAS, INPUTS };

/** Rows of `x` that meet `count` matrices of K features. */
static FewRows products(const Tensor *x, const Tensor *norm, int count, float **room) {
  FewRows g = {.a = F32(*x), .norm = norm ? F32(*norm) : 0, .M = rows_of(*x), .K = x->shape[x->rank - 1], .transposed = 1, .count = count};
  if (norm) g.normed = *room, *room += g.M * g.K;
  return g;
}
static Factor factor(const Tensor *b, const float *addend, int64_t addend_step, float *c) {
  return (Factor){F32(*b), addend, c, b->shape[0], addend_step};
}

void decoder_layer(Call *call) {
  Tensor in[INPUTS];
  for (size_t i = 0; i < INPUTS; i++)
    if (i < KEYS || i >= Q_BIAS) in[i] = input_tensor(call, i);
  const Tensor z = output_tensor(call, 0, in[X].shape, in[X].rank);
  if (call->status) return;
  const int64_t D = in[X].shape[in[X].rank - 1], M = rows_of(in[X]), width = in[Q].shape[0], shared = in[K].shape[0], F = in[GATE].shape[0];
  CachedAttention a = cached_attention_of(call, KEYS, M * width);
  float *memory = scratch(call, M * (3 * D + 3 * width + 2 * shared + F)), *room = memory;
  if (call->status) {
    free(memory);
    return;
  }
  FewRows first = products(&in[X], &in[NORM], 3, &room);
  float *projected[3];
  for (int i = 0; i < 3; i++) {
    projected[i] = room, room += M * in[Q + i].shape[0];
    first.of[i] = factor(&in[Q + i], F32(in[Q_BIAS + i]), 0, projected[i]);
  }
  a.q = projected[0], a.k = projected[1], a.v = projected[2];
  if (a.cos) a.turned = room, room += M * width;
  const Tensor attended = {a.attention.out = room, {M, width}, 2, M * width};
  room += M * width;
  FewRows second = products(&attended, 0, 1, &room);
  const Tensor y = {room, {M, D}, 2, M * D};
  room += M * D;
  second.of[0] = factor(&in[OUT], F32(in[X]), D, F32(y));
  FewRows third = products(&y, &in[NORM_2], 2, &room);
  const Tensor gated = {room, {M, F}, 2, M * F};
  third.gated = 1, third.of[0] = factor(&in[GATE], 0, 0, F32(gated)), third.of[1] = factor(&in[UP], 0, 0, 0);
  FewRows fourth = products(&gated, 0, 1, &room);
  fourth.of[0] = factor(&in[DOWN], F32(y), D, F32(z));

  const FewRows *all[] = {&first, &second, &third, &fourth};
  widen_pages(call, all, 4);
  Phase phases[MOST_PHASES];
  int count = few_rows_phases(call, &first, phases);
  count += cached_attention_phases(call, &a, phases + count);
  count += few_rows_phases(call, &second, phases + count);
  count += few_rows_phases(call, &third, phases + count);
  count += few_rows_phases(call, &fourth, phases + count);
  parallel_phases(call, phases, count);
  finish_attention(call, &a.attention);
  free(memory);
}
