/*
 * Attention for generation: softmax(q k^T scale + bias) v over a key-value cache that is partly filled, without the
 * [T, S] matrix in memory and without looking at keys that no query sees (Dao et al., "FlashAttention"; the few queries of
 * a decoding step share their keys' way through the cache and split long caches, as in "Flash-Decoding").
 * q [B, T, H, E]; k and v [B, K, S, E] (attribute cached) or [B, S, K, E]; offset, a scalar: where the first query stands,
 * S - T when left out; bias: any shape that broadcasts to [B, H, T, S]. Causal: query t sees keys 0 .. offset + t, of
 * which a window leaves the last ones; a soft cap c makes c tanh(score / c) of a score before the bias is added. A
 * running maximum m and sum l of the weights make the softmax exact in one pass over blocks of keys.
 * H, the attribute heads, is a multiple of K (grouped queries), E a multiple of 16.
 */
#include <stdlib.h>
#include "masked_attention.h"
#include "product.h"

enum { ROWS = 48, KEYS = 512 };                    /* a block of many queries: scores and keys fit the second-level cache */
/* Few queries: keys at a time (of a query alone, or of some that find them in the second-level cache again), and the least
   that is worth a task. */
enum { FEW = 4, CHUNK = 256, WHOLE = 1024, SPLIT = 256 };
/** Query t sees the keys from `first_seen` up to, but not with, `seen_by`. */
static inline int64_t seen_by(const Attention *a, int64_t t) {
  const int64_t seen = a->causal ? a->first + t + 1 : a->window ? a->first + t + a->window : a->S;
  return seen < 0 ? 0 : seen < a->S ? seen : a->S;
}
static inline int64_t first_seen(const Attention *a, int64_t t) {
  const int64_t from = a->window ? a->first + t - a->window + 1 : 0;
  return from < 0 ? 0 : from;
}
static inline const float *bias_of(const Attention *a, int64_t batch, int64_t head, int64_t t) {
  return a->bias ? a->bias + batch * a->bias_batch + head * a->bias_head + t * a->bias_row : 0;
}
/** What changes the scores of one query and n keys from `from` on: the cap, the bias, the window. */
static void adjust(const Attention *a, int64_t batch, int64_t head, int64_t t, int64_t from, float *scores, int64_t n) {
  const float *bias = bias_of(a, batch, head, t);
  const int64_t closed = first_seen(a, t) - from;
  if (a->softcap > 0)
    for (int64_t i = 0; i < n; i++) scores[i] = a->softcap * tanhf(scores[i] / a->softcap);
  if (bias)
    for (int64_t i = 0; i < n; i++) scores[i] += bias[(from + i) * a->bias_key];
  for (int64_t i = 0; i < n && i < closed; i++) scores[i] = -INFINITY;
}

/** scores[0..width) become weights exp(z - m), those from n on nothing; m and l move on. Returns what older sums shrink by. */
static float weigh(float *scores, int64_t n, int64_t width, float *m, float *l) {
  for (int64_t i = n; i < width; i++) scores[i] = -INFINITY;
  vec top = splat(*m), total = {0};
  for (int64_t i = 0; i < width; i += LANES) top = vmax(top, load(scores + i));
  const float most = largest(top), shrink = *m == -INFINITY ? 0.0f : expf(*m - most);
  if (most == -INFINITY) { /* nothing is seen yet */
    memset(scores, 0, (size_t)width * sizeof(float));
    return 1.0f;
  }
  for (int64_t i = 0; i < width; i += LANES) {
    const vec z = load(scores + i) - splat(most), e = choose(z < splat(-87.0f), splat(0.0f), exp_vec(z));
    total += e;
    store(scores + i, e);
  }
  *l = *l * shrink + sum(total);
  *m = most;
  return shrink;
}

#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
/** The sums of eight vectors. */
static inline vec sums(const vec s[8]) {
  vec p[4], q[2];
  for (int i = 0; i < 4; i++)
    p[i] = SHUFFLE(s[2 * i], s[2 * i + 1], 0, 8, 2, 10, 4, 12, 6, 14) + SHUFFLE(s[2 * i], s[2 * i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  for (int i = 0; i < 2; i++)
    q[i] = SHUFFLE(p[2 * i], p[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(p[2 * i], p[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  return SHUFFLE(q[0], q[1], 0, 1, 2, 3, 8, 9, 10, 11) + SHUFFLE(q[0], q[1], 4, 5, 6, 7, 12, 13, 14, 15);
}
/** scores[i] = scale q k_i for n keys, eight at a time; the last few repeat the last key. */
static void score(const float *q, const float *k, int64_t step, int64_t E, int64_t n, float scale, float *scores) {
  for (int64_t i = 0; i < n; i += 8) {
    for (int64_t e = 0; e < 8 * E; e += 2 * LANES) __builtin_prefetch(k + (i + 16) * step + e); /* eight streams confuse the processor's own */
    vec s[8] = {{0}};
    for (int64_t e = 0; e < E; e += LANES) {
      const vec x = load(q + e);
#pragma GCC unroll 8
      for (int r = 0; r < 8; r++) s[r] += x * load(k + (i + r < n ? i + r : n - 1) * step + e);
    }
    store(scores + i, sums(s) * splat(scale));
  }
}
/** out[0..E) = out shrink + weights v, 64 features at a time. */
static void mix(const float *weights, const float *v, int64_t step, int64_t E, int64_t n, float shrink, float *out) {
  for (int64_t e0 = 0; e0 < E; e0 += 64) {
    const int64_t lanes = (E - e0 < 64 ? E - e0 : 64) / LANES;
    vec s[8];
    for (int64_t j = 0; j < lanes; j++) s[j] = load(out + e0 + j * LANES) * splat(shrink);
    if (lanes == 8)
      for (int64_t i = 0; i < n; i++) {
        const vec w = splat(weights[i]);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) s[j] += w * load(v + i * step + e0 + j * LANES);
      }
    else
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < lanes; j++) s[j] += splat(weights[i]) * load(v + i * step + e0 + j * LANES);
    for (int64_t j = 0; j < lanes; j++) store(out + e0 + j * LANES, s[j]);
  }
}

/** Few queries: all heads and rows that share a key-value head, over one split of the keys. Gives m, l and the sum. */
static void few_queries(void *argument, size_t task) {
  const Attention *a = argument;
  const int64_t group = a->H / a->K, split = (int64_t)task % a->splits, pair = (int64_t)task / a->splits;
  const int64_t batch = pair / a->K, kv = pair % a->K, rows = group * a->T;
  const float *k = a->k + batch * a->k_batch + kv * a->k_head, *v = a->v + batch * a->k_batch + kv * a->k_head;
  const int64_t from = first_seen(a, 0) + split * a->split_keys, end = seen_by(a, a->T - 1);
  const int64_t to = from + a->split_keys < end ? from + a->split_keys : end;
  float *parts = a->parts + (int64_t)task * rows * a->part, scores[WHOLE];
  for (int64_t row = 0; row < rows; row++) {
    float *part = parts + row * a->part;
    part[0] = -INFINITY;
    for (int64_t i = 1; i < a->part; i++) part[i] = 0.0f;
  }
  const int64_t chunk = rows == 1 ? WHOLE : CHUNK;
  for (int64_t s = from; s < to; s += chunk)
    for (int64_t row = 0; row < rows; row++) {
      const int64_t head = kv * group + row / a->T, t = row % a->T, seen = seen_by(a, t);
      const int64_t n = (seen < to ? seen : to) - s < chunk ? (seen < to ? seen : to) - s : chunk;
      if (n <= 0 || s + n <= first_seen(a, t)) continue;
      float *part = parts + row * a->part;
      score(a->q + ((batch * a->T + t) * a->H + head) * a->E, k + s * a->k_row, a->k_row, a->E, n, a->scale, scores);
      adjust(a, batch, head, t, s, scores, n);
      const float shrink = weigh(scores, n, (n + 7) / 8 * 8, part, part + 1);
      mix(scores, v + s * a->k_row, a->k_row, a->E, n, shrink, part + LANES);
    }
}
/** Puts the splits of each row together. */
static void join(void *argument, size_t task) {
  const Attention *a = argument;
  (void)task;
  const int64_t group = a->H / a->K, rows = group * a->T;
  for (int64_t pair = 0; pair < a->B * a->K; pair++)
    for (int64_t row = 0; row < rows; row++) {
      const int64_t batch = pair / a->K, head = pair % a->K * group + row / a->T, t = row % a->T;
      const float *parts = a->parts + (pair * a->splits * rows + row) * a->part;
      float *out = a->out + ((batch * a->T + t) * a->H + head) * a->E, m = -INFINITY, l = 0.0f;
      for (int64_t i = 0; i < a->splits; i++) m = parts[i * rows * a->part] > m ? parts[i * rows * a->part] : m;
      memset(out, 0, (size_t)a->E * sizeof(float));
      for (int64_t i = 0; i < a->splits; i++) {
        const float *part = parts + i * rows * a->part, weight = part[0] == -INFINITY ? 0.0f : expf(part[0] - m);
        l += part[1] * weight;
        for (int64_t e = 0; e < a->E; e += LANES) store(out + e, load(out + e) + splat(weight) * load(part + LANES + e));
      }
      for (int64_t e = 0; e < a->E; e += LANES) store(out + e, load(out + e) * splat(l > 0 ? 1.0f / l : 0.0f));
    }
}

static void transpose(const float *from, int64_t rows, int64_t columns, int64_t step, float *to, int64_t filled) {
  for (int64_t c = 0; c < columns; c++) memset(to + c * KEYS + rows, 0, (size_t)(filled - rows) * sizeof(float));
  for (int64_t r0 = 0; r0 < rows; r0 += 16)
    for (int64_t c = 0; c < columns; c++)
      for (int64_t r = r0; r < rows && r < r0 + 16; r++) to[c * KEYS + r] = from[r * step + c];
}
/** Many queries: one head, blocks of keys against blocks of queries. */
static void many_queries(void *argument, size_t task) {
  Attention *a = argument;
  const int64_t T = a->T, E = a->E, batch = (int64_t)task / a->H, head = (int64_t)task % a->H, kv = head / (a->H / a->K), q_row = a->H * E;
  const float *q = a->q + batch * T * q_row + head * E, *k = a->k + batch * a->k_batch + kv * a->k_head, *v = a->v + batch * a->k_batch + kv * a->k_head;
  float *out = a->out + batch * T * q_row + head * E, *kt = scratch_of_task((E + ROWS) * KEYS + 2 * T);
  if (!kt) {
    a->failed = 1;
    return;
  }
  float *p = kt + E * KEYS, *m = p + ROWS * KEYS, *l = m + T;
  for (int64_t t = 0; t < T; t++) {
    m[t] = -INFINITY, l[t] = 0.0f;
    memset(out + t * q_row, 0, (size_t)E * sizeof(float));
  }
  const int64_t end = seen_by(a, T - 1);
  int begun = 0;
  for (int64_t s0 = first_seen(a, 0) / KEYS * KEYS; s0 < end; s0 += KEYS, begun = 1) {
    const int64_t keys = end - s0 < KEYS ? end - s0 : KEYS;
    transpose(k + s0 * a->k_row, keys, E, a->k_row, kt, (keys + 15) / 16 * 16);
    for (int64_t t0 = 0; t0 < T; t0 += ROWS) {
      const int64_t n = T - t0 < ROWS ? T - t0 : ROWS, last = seen_by(a, t0 + n - 1) - s0, seen = last < keys ? last : keys;
      if (seen <= 0 || s0 + seen <= first_seen(a, t0)) continue;
      const int64_t width = (seen + 15) / 16 * 16;
      product(n, width, E, q + t0 * q_row, q_row, 1, kt, KEYS, p, KEYS, 0, a->scale);
      for (int64_t r = 0; r < n; r++) {
        float *row = p + r * KEYS, *o = out + (t0 + r) * q_row;
        const int64_t own = seen_by(a, t0 + r) - s0, mine = own < seen ? own : seen;
        if (mine <= 0) {
          memset(row, 0, (size_t)width * sizeof(float));
          continue;
        }
        adjust(a, batch, head, t0 + r, s0, row, mine);
        const float shrink = weigh(row, mine, width, m + t0 + r, l + t0 + r);
        if (begun)
          for (int64_t e = 0; e < E; e += LANES) store(o + e, load(o + e) * splat(shrink));
      }
      product(n, E, seen, p, KEYS, 1, v + s0 * a->k_row, a->k_row, out + t0 * q_row, q_row, 1, 1.0f);
    }
  }
  for (int64_t t = 0; t < T; t++)
    for (int64_t e = 0; e < E; e += LANES)
      store(out + t * q_row + e, load(out + t * q_row + e) * splat(l[t] > 0 ? 1.0f / l[t] : 0.0f));
  free(kt);
}

void read_bias(Attention *a, const Tensor *bias) {
  int64_t *steps[] = {&a->bias_key, &a->bias_row, &a->bias_head, &a->bias_batch}, step = 1;
  a->bias = F32(*bias);
  for (int i = 0; i < 4 && i < bias->rank; i++) {
    const int64_t size = bias->shape[bias->rank - 1 - i];
    *steps[i] = size == 1 ? 0 : step; /* 0: the same for all */
    step *= size;
  }
}

Attention attention_of(const Call *call, const float *q, int64_t q_size, const Tensor *k, const Tensor *v, int cached) {
  const Kernel *kernel = call->kernel;
  Attention a = {q, F32(*k), F32(*v)};
  a.scale = kernel->scale, a.causal = (int)kernel->causal, a.window = kernel->window, a.softcap = kernel->softcap;
  a.B = k->shape[0], a.H = kernel->heads, a.E = k->shape[3], a.T = q_size / (a.B * a.H * a.E); /* q may come in any shape */
  a.S = k->shape[cached ? 2 : 1], a.K = k->shape[cached ? 1 : 2];
  a.k_row = cached ? a.E : a.K * a.E, a.k_head = cached ? a.S * a.E : a.E, a.k_batch = a.S * a.K * a.E;
  a.first = a.S - a.T;
  return a;
}

int attention_phases(Call *call, Attention *a, Phase *phases) {
  if (a->T > FEW) {
    phases[0] = (Phase){many_queries, a, (size_t)(a->B * a->H)};
    return 1;
  }
  const int64_t pairs = a->B * a->K, seen = seen_by(a, a->T - 1) - first_seen(a, 0), most = (seen + SPLIT - 1) / SPLIT;
  a->splits = pairs >= 8 || most < 2 ? 1 : most < 16 / pairs ? most : 16 / pairs; /* enough tasks for many threads */
  a->split_keys = ((seen + a->splits - 1) / a->splits + CHUNK - 1) / CHUNK * CHUNK;
  a->part = a->E + LANES;
  if (!(a->parts = scratch(call, pairs * a->splits * a->H / a->K * a->T * a->part))) return 0;
  phases[0] = (Phase){few_queries, a, (size_t)(pairs * a->splits)};
  phases[1] = (Phase){join, a, 1};
  return 2;
}
void finish_attention(Call *call, Attention *a) {
  free(a->parts);
  if (a->failed) out_of_memory(call);
}

void masked_attention(Call *call) {
  const Tensor q = input_tensor(call, 0), k = input_tensor(call, 1), v = input_tensor(call, 2);
  const Tensor offset = input_tensor(call, 3), bias = input_tensor(call, 4);
  if (call->status) return;
  Attention a = attention_of(call, F32(q), q.size, &k, &v, (int)call->kernel->cached);
  if (offset.data) a.first = *I32(offset);
  if (bias.data) read_bias(&a, &bias);
  const int64_t shape[] = {a.B, a.T, a.H, a.E};
  a.out = F32(output_tensor(call, 0, shape, 4));
  if (call->status) return;
  Phase phases[2];
  parallel_phases(call, phases, attention_phases(call, &a, phases));
  finish_attention(call, &a);
}
