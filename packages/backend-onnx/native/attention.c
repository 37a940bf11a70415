/*
 * Causal attention without the [T, S] matrix in memory (Dao et al., "FlashAttention"): each head is walked in blocks of
 * query rows; a block's scores see only the keys before its end, are turned into weights in the second-level cache and
 * used at once. The forward pass keeps log sum exp of every row, from which the backward pass makes the weights again:
 *   dV = P^T dO;  dP = dO V^T;  dS = P (dP - sum(dO O));  dQ = scale dS K;  dK = scale dS^T Q.
 * q [B, T, H, E], k and v [B, S, K, E] as the projections leave them (heads side by side, no transposition), S >= T;
 * query t sees keys 0 .. S - T + t. With spans [B, T, 2] it sees those from the first number up to, and not with, the
 * second instead: several sequences in a row, or attention both ways. H is a multiple of K (grouped queries), E of 16.
 */
#include <stdlib.h>
#include "product.h"
#include "runtime.h"

enum { BLOCK = 48 };                               /* query rows at a time: a multiple of the product's six */
typedef struct {
  const float *q, *k, *v, *o, *d, *lse;
  const int32_t *spans;                            /* NULL: causal */
  float *out, *out_lse, *dq, *dk, *dv;
  int64_t B, T, S, H, K, E;
  float scale;
  int *failed;                                     /* set by a task that found no memory */
} Args;

static inline int64_t padded(int64_t n) { return (n + 15) / 16 * 16; }
static void transpose(const float *from, int64_t rows, int64_t columns, int64_t step, float *to, int64_t width) {
  for (int64_t c = 0; c < columns; c++) memset(to + c * width + rows, 0, (size_t)(width - rows) * sizeof(float));
  for (int64_t r0 = 0; r0 < rows; r0 += 16)
    for (int64_t c = 0; c < columns; c++)
      for (int64_t r = r0; r < rows && r < r0 + 16; r++) to[c * width + r] = from[r * step + c];
}

/** The keys of query t: from .. to - 1. */
typedef struct { int64_t from, to; } Span;
static inline Span span_of(const Args *a, int64_t batch, int64_t t) {
  if (!a->spans) return (Span){0, a->S - a->T + t + 1};
  const int32_t *span = a->spans + 2 * (batch * a->T + t);
  return (Span){span[0] < 0 ? 0 : span[0], span[1] < a->S ? span[1] : a->S};
}
/** All keys of n queries, `from` a multiple of the product's sixteen columns; one key at least. */
static Span span_of_block(const Args *a, int64_t batch, int64_t t0, int64_t n) {
  if (!a->spans) return (Span){0, a->S - a->T + t0 + n};
  Span all = {a->S, 0};
  for (int64_t t = t0; t < t0 + n; t++) {
    const Span one = span_of(a, batch, t);
    if (one.to <= one.from) continue;
    all.from = one.from < all.from ? one.from : all.from;
    all.to = one.to > all.to ? one.to : all.to;
  }
  if (all.to == 0) return (Span){0, 1};
  return (Span){all.from / 16 * 16, all.to};
}
/** What lies outside of a row's span weighs nothing; row[0] is the score of key `first`, and there are w of them. */
static inline void close_outside(float *row, Span span, int64_t first, int64_t w) {
  for (int64_t i = 0; i < span.from - first && i < w; i++) row[i] = -INFINITY;
  for (int64_t i = span.to > first ? span.to - first : 0; i < w; i++) row[i] = -INFINITY;
}

static void forward_head(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t T = a->T, S = a->S, H = a->H, E = a->E, batch = (int64_t)task / H, head = (int64_t)task % H, kv = head / (H / a->K);
  const int64_t q_step = H * E, k_step = a->K * E, width = padded(S);
  const float *q = a->q + batch * T * q_step + head * E, *k = a->k + batch * S * k_step + kv * E, *v = a->v + batch * S * k_step + kv * E;
  float *o = a->out + batch * T * q_step + head * E, *lse = a->out_lse + (batch * H + head) * T;
  float *kt = scratch_of_task((E + BLOCK) * width), *p = kt + E * width;
  if (!kt) {
    *a->failed = 1;
    return;
  }
  transpose(k, S, E, k_step, kt, width);
  for (int64_t t0 = 0; t0 < T; t0 += BLOCK) {
    const int64_t n = T - t0 < BLOCK ? T - t0 : BLOCK;
    const Span block = span_of_block(a, batch, t0, n);
    const int64_t seen = block.to - block.from, w = padded(seen);
    product(n, w, E, q + t0 * q_step, q_step, 1, kt + block.from, width, p, width, 0, a->scale);
    for (int64_t r = 0; r < n; r++) {
      float *row = p + r * width;
      const Span own = span_of(a, batch, t0 + r);
      if (own.to <= own.from) { /* it sees nothing, and gives nothing */
        memset(row, 0, (size_t)w * sizeof(float));
        lse[t0 + r] = 0.0f;
        continue;
      }
      close_outside(row, own, block.from, w);
      vec top = splat(-INFINITY), total = {0};
      for (int64_t i = 0; i < w; i += LANES) top = vmax(top, load(row + i));
      const float m = largest(top);
      for (int64_t i = 0; i < w; i += LANES) {
        const vec z = load(row + i) - splat(m), e = choose(z < splat(-87.0f), splat(0.0f), exp_vec(z));
        total += e;
        store(row + i, e);
      }
      const float s = sum(total);
      lse[t0 + r] = m + logf(s);
      for (int64_t i = 0; i < w; i += LANES) store(row + i, load(row + i) * splat(1.0f / s));
    }
    product(n, E, seen, p, width, 1, v + block.from * k_step, k_step, o + t0 * q_step, q_step, 0, 1.0f);
  }
  free(kt);
}

/** One task is one key-value head with all its query heads, so that dK and dV have one writer. */
static void backward_head(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t T = a->T, S = a->S, H = a->H, E = a->E, batch = (int64_t)task / a->K, kv = (int64_t)task % a->K, group = H / a->K;
  const int64_t q_step = H * E, k_step = a->K * E, width = padded(S);
  const float *k = a->k + batch * S * k_step + kv * E, *v = a->v + batch * S * k_step + kv * E;
  float *dk = a->dk + batch * S * k_step + kv * E, *dv = a->dv + batch * S * k_step + kv * E;
  float *kt = scratch_of_task((2 * E + 2 * BLOCK) * width);
  float *vt = kt + E * width, *p = vt + E * width, *ds = p + BLOCK * width;
  if (!kt) {
    *a->failed = 1;
    return;
  }
  transpose(k, S, E, k_step, kt, width);
  transpose(v, S, E, k_step, vt, width);
  for (int64_t s = 0; s < S; s++) {
    memset(dk + s * k_step, 0, (size_t)E * sizeof(float));
    memset(dv + s * k_step, 0, (size_t)E * sizeof(float));
  }
  for (int64_t head = kv * group; head < (kv + 1) * group; head++) {
    const int64_t at = batch * T * q_step + head * E;
    const float *q = a->q + at, *o = a->o + at, *d = a->d + at, *lse = a->lse + (batch * H + head) * T;
    for (int64_t t0 = 0; t0 < T; t0 += BLOCK) {
      const int64_t n = T - t0 < BLOCK ? T - t0 : BLOCK;
      const Span block = span_of_block(a, batch, t0, n);
      const int64_t first = block.from, seen = block.to - first, w = padded(seen);
      product(n, w, E, q + t0 * q_step, q_step, 1, kt + first, width, p, width, 0, a->scale);
      product(n, w, E, d + t0 * q_step, q_step, 1, vt + first, width, ds, width, 0, 1.0f);
      for (int64_t r = 0; r < n; r++) {
        float *weights = p + r * width, *gradient = ds + r * width;
        const float *or = o + (t0 + r) * q_step, *dr = d + (t0 + r) * q_step;
        vec dot = {0};
        for (int64_t e = 0; e < E; e += LANES) dot += load(or + e) * load(dr + e);
        const vec D = splat(sum(dot)), l = splat(lse[t0 + r]);
        close_outside(weights, span_of(a, batch, t0 + r), first, w);
        for (int64_t i = 0; i < w; i += LANES) {
          const vec z = load(weights + i) - l, e = choose(z < splat(-87.0f), splat(0.0f), exp_vec(z));
          store(weights + i, e);
          store(gradient + i, e * (load(gradient + i) - D));
        }
      }
      product(n, E, seen, ds, width, 1, k + first * k_step, k_step, a->dq + at + t0 * q_step, q_step, 0, a->scale);
      product(seen, E, n, ds, 1, width, q + t0 * q_step, q_step, dk + first * k_step, k_step, 1, a->scale);
      product(seen, E, n, p, 1, width, d + t0 * q_step, q_step, dv + first * k_step, k_step, 1, 1.0f);
    }
  }
  free(kt);
}

static Args arguments(Tensor q, Tensor k, Tensor v, float scale, int *failed) {
  Args a = {0};
  a.failed = failed;
  a.q = F32(q), a.k = F32(k), a.v = F32(v), a.scale = scale;
  a.B = q.shape[0], a.T = q.shape[1], a.H = q.shape[2], a.E = q.shape[3], a.S = k.shape[1], a.K = k.shape[2];
  return a;
}

void causal_attention(Call *call) {
  const Tensor q = input_tensor(call, 0), k = input_tensor(call, 1), v = input_tensor(call, 2), spans = input_tensor(call, 3);
  int failed = 0;
  Args a = arguments(q, k, v, call->kernel->scale, &failed);
  a.spans = I32(spans);
  const int64_t shape[] = {a.B, a.H, a.T};
  a.out = F32(output_tensor(call, 0, q.shape, 4));
  a.out_lse = F32(output_tensor(call, 1, shape, 3));
  parallel_for(call, (size_t)(a.B * a.H), forward_head, &a);
  if (failed) out_of_memory(call);
}

void causal_attention_gradient(Call *call) {
  const Tensor d = input_tensor(call, 0), q = input_tensor(call, 1), k = input_tensor(call, 2);
  const Tensor v = input_tensor(call, 3), o = input_tensor(call, 4), lse = input_tensor(call, 5), spans = input_tensor(call, 6);
  int failed = 0;
  Args a = arguments(q, k, v, call->kernel->scale, &failed);
  a.d = F32(d), a.o = F32(o), a.lse = F32(lse), a.spans = I32(spans);
  a.dq = F32(output_tensor(call, 0, q.shape, 4));
  a.dk = F32(output_tensor(call, 1, k.shape, 4));
  a.dv = F32(output_tensor(call, 2, v.shape, 4));
  parallel_for(call, (size_t)(a.B * a.K), backward_head, &a);
  if (failed) out_of_memory(call);
}
