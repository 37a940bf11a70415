/*
 * Attention over a list of blocks (Dao et al., "FlashAttention", section 3.3): each block of b queries looks at the blocks
 * of b keys that its list names, under an exact mask for each pair (a tile of 0 and -inf; tile 0 is open). One kernel for
 * every pattern: windows, global tokens, random blocks, sinks differ in their lists and tiles alone.
 * q [B, T, H, E], k [B, S, K, E], v [B, S, K, V] as the projections leave them; starts [n + 1], key_blocks and tile_of
 * [pairs], tiles [N, b, b], key bias [B, S] or none. The forward pass keeps each row's maximum and 1 / sum, from which the
 * backward pass makes the weights again: apart, because beside a maximum of -1e9 (padding) a logarithm would vanish.
 */
#include <stdlib.h>
#include "product.h"
#include "runtime.h"

typedef struct {
  const float *q, *k, *v, *o, *d, *facts, *tiles, *bias;
  const int32_t *starts, *key_blocks, *tile_of;
  float *out, *out_facts, *dq, *dk, *dv;
  int64_t B, T, S, H, K, E, V, b, rows, parts, widest;
  float scale;
  int *failed;                                     /* set by a task that found no memory */
} Args;

enum { PARTS = 8 };                                /* tasks to aim at, so that every core has some */

/** One head's keys (or values) turned, [E, b] a block; a block is turned when it is first looked at. */
typedef struct {
  float *turned;
  char *done;
} Turned;

static const float *turn(Turned *t, const Args *a, const float *from, int64_t features, int64_t step, int64_t block) {
  float *to = t->turned + block * features * a->b;
  if (t->done[block]) return to;
  t->done[block] = 1;
  const int64_t first = block * a->b, columns = a->S - first < a->b ? a->S - first : a->b;
  if (columns < a->b) memset(to, 0, (size_t)(features * a->b) * sizeof(float));
  for (int64_t c0 = 0; c0 < columns; c0 += 8)
    for (int64_t e = 0; e < features; e++)
      for (int64_t c = c0; c < columns && c < c0 + 8; c++) to[e * a->b + c] = from[(first + c) * step + e];
  return to;
}
static Turned make_turned(const Args *a, int64_t features) {
  const int64_t blocks = (a->S + a->b - 1) / a->b;
  return (Turned){scratch_of_task(blocks * a->b * features), calloc((size_t)blocks, 1)};
}
static void free_turned(Turned t) { free(t.turned); free(t.done); }

static inline int64_t columns_of(const Args *a, int64_t block) {
  return a->S - block * a->b < a->b ? a->S - block * a->b : a->b;
}

/** Scores of the rows of one block of queries against its list, masked: [n, pairs b] in p. */
static void score(const Args *a, Turned *keys, int64_t batch, int64_t row, int64_t n, const float *q, const float *k, float *p) {
  const int64_t from = a->starts[row], pairs = a->starts[row + 1] - from, width = pairs * a->b;
  for (int64_t j = 0; j < pairs; j++) {
    const int64_t block = a->key_blocks[from + j], tile = a->tile_of[from + j], columns = columns_of(a, block);
    float *s = p + j * a->b;
    product(n, a->b, a->E, q, a->H * a->E, 1, turn(keys, a, k, a->E, a->K * a->E, block), a->b, s, width, 0, a->scale);
    for (int64_t r = 0; r < n; r++) {
      float *line = s + r * width;
      if (tile)
        for (int64_t c = 0; c < a->b; c += LANES) store(line + c, load(line + c) + load(a->tiles + (tile * a->b + r) * a->b + c));
      if (a->bias)
        for (int64_t c = 0; c < columns; c++) line[c] += a->bias[batch * a->S + block * a->b + c];
      for (int64_t c = columns; c < a->b; c++) line[c] = -INFINITY;
    }
  }
}
static inline vec weight(vec score, vec top) {
  const vec z = score - top;
  return choose(z > splat(-87.0f), exp_vec(z), splat(0.0f));
}

/** One task is a part of one head's blocks of queries. */
static void forward_part(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t part = (int64_t)task % a->parts, head = (int64_t)task / a->parts % a->H, batch = (int64_t)task / a->parts / a->H;
  const int64_t kv = head / (a->H / a->K), q_step = a->H * a->E, o_step = a->H * a->V, v_step = a->K * a->V;
  const float *q = a->q + batch * a->T * q_step + head * a->E, *k = a->k + batch * a->S * a->K * a->E + kv * a->E;
  const float *v = a->v + batch * a->S * v_step + kv * a->V;
  float *o = a->out + batch * a->T * o_step + head * a->V, *facts = a->out_facts + (batch * a->H + head) * a->T * 2;
  Turned keys = make_turned(a, a->E);
  float *p = scratch_of_task(a->b * a->b * a->widest);
  if (!p || !keys.turned || !keys.done) {
    *a->failed = 1;
    free(p);
    free_turned(keys);
    return;
  }
  for (int64_t row = a->rows * part / a->parts; row < a->rows * (part + 1) / a->parts; row++) {
    const int64_t t0 = row * a->b, n = a->T - t0 < a->b ? a->T - t0 : a->b;
    const int64_t from = a->starts[row], pairs = a->starts[row + 1] - from, width = pairs * a->b;
    score(a, &keys, batch, row, n, q + t0 * q_step, k, p);
    for (int64_t r = 0; r < n; r++) {
      float *line = p + r * width;
      vec top = splat(-INFINITY), total = {0};
      for (int64_t c = 0; c < width; c += LANES) top = vmax(top, load(line + c));
      const float m = largest(top);
      for (int64_t c = 0; c < width; c += LANES) {
        const vec e = weight(load(line + c), splat(m));
        total += e;
        store(line + c, e);
      }
      const float inverse = 1.0f / sum(total);
      facts[(t0 + r) * 2] = m;
      facts[(t0 + r) * 2 + 1] = inverse;
      for (int64_t c = 0; c < width; c += LANES) store(line + c, load(line + c) * splat(inverse));
    }
    for (int64_t j = 0; j < pairs; j++) {
      const int64_t block = a->key_blocks[from + j];
      product(n, a->V, columns_of(a, block), p + j * a->b, width, 1, v + block * a->b * v_step, v_step, o + t0 * o_step, o_step, j > 0, 1.0f);
    }
  }
  free(p);
  free_turned(keys);
}

/** One task is one key-value head with all its query heads, so that dK and dV have one writer. */
static void backward_head(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t batch = (int64_t)task / a->K, kv = (int64_t)task % a->K, group = a->H / a->K;
  const int64_t q_step = a->H * a->E, k_step = a->K * a->E, o_step = a->H * a->V, v_step = a->K * a->V;
  const float *k = a->k + batch * a->S * k_step + kv * a->E, *v = a->v + batch * a->S * v_step + kv * a->V;
  float *dk = a->dk + batch * a->S * k_step + kv * a->E, *dv = a->dv + batch * a->S * v_step + kv * a->V;
  Turned keys = make_turned(a, a->E), values = make_turned(a, a->V);
  float *p = scratch_of_task(2 * a->b * a->b * a->widest), *ds = p + a->b * a->b * a->widest;
  if (!p || !keys.turned || !keys.done || !values.turned || !values.done) {
    *a->failed = 1;
    free(p);
    free_turned(keys);
    free_turned(values);
    return;
  }
  for (int64_t s = 0; s < a->S; s++) {
    memset(dk + s * k_step, 0, (size_t)a->E * sizeof(float));
    memset(dv + s * v_step, 0, (size_t)a->V * sizeof(float));
  }
  for (int64_t head = kv * group; head < (kv + 1) * group; head++) {
    const float *q = a->q + batch * a->T * q_step + head * a->E, *facts = a->facts + (batch * a->H + head) * a->T * 2;
    const float *o = a->o + batch * a->T * o_step + head * a->V, *d = a->d + batch * a->T * o_step + head * a->V;
    float *dq = a->dq + batch * a->T * q_step + head * a->E;
    for (int64_t row = 0; row < a->rows; row++) {
      const int64_t t0 = row * a->b, n = a->T - t0 < a->b ? a->T - t0 : a->b;
      const int64_t from = a->starts[row], pairs = a->starts[row + 1] - from, width = pairs * a->b;
      score(a, &keys, batch, row, n, q + t0 * q_step, k, p);
      for (int64_t j = 0; j < pairs; j++)
        product(n, a->b, a->V, d + t0 * o_step, o_step, 1, turn(&values, a, v, a->V, v_step, a->key_blocks[from + j]), a->b, ds + j * a->b,
                width, 0, 1.0f);
      for (int64_t r = 0; r < n; r++) {
        const float *or = o + (t0 + r) * o_step, *dr = d + (t0 + r) * o_step;
        vec dot = {0};
        for (int64_t e = 0; e < a->V; e += LANES) dot += load(or + e) * load(dr + e);
        const vec D = splat(sum(dot)), m = splat(facts[(t0 + r) * 2]), inverse = splat(facts[(t0 + r) * 2 + 1]);
        for (int64_t c = 0; c < width; c += LANES) {
          const vec e = weight(load(p + r * width + c), m) * inverse;
          store(p + r * width + c, e);
          store(ds + r * width + c, e * (load(ds + r * width + c) - D));
        }
      }
      for (int64_t j = 0; j < pairs; j++) {
        const int64_t at = a->key_blocks[from + j] * a->b, columns = columns_of(a, a->key_blocks[from + j]);
        const float *pj = p + j * a->b, *dj = ds + j * a->b;
        product(n, a->E, columns, dj, width, 1, k + at * k_step, k_step, dq + t0 * q_step, q_step, j > 0, a->scale);
        product(columns, a->E, n, dj, 1, width, q + t0 * q_step, q_step, dk + at * k_step, k_step, 1, a->scale);
        product(columns, a->V, n, pj, 1, width, d + t0 * o_step, o_step, dv + at * v_step, v_step, 1, 1.0f);
      }
    }
  }
  free(p);
  free_turned(keys);
  free_turned(values);
}

/** q, k, v, then from `at` on: starts, key blocks, tile numbers, tiles, key bias. */
static Args arguments(Call *call, Tensor q, Tensor k, Tensor v, size_t at, int *failed) {
  const Tensor starts = input_tensor(call, at), tiles = input_tensor(call, at + 3);
  Args a = {0};
  a.failed = failed;
  if (call->status) return a;
  a.q = F32(q), a.k = F32(k), a.v = F32(v), a.scale = call->kernel->scale;
  a.B = q.shape[0], a.T = q.shape[1], a.H = q.shape[2], a.E = q.shape[3], a.S = k.shape[1], a.K = k.shape[2], a.V = v.shape[3];
  a.starts = I32(starts), a.rows = starts.size - 1, a.tiles = F32(tiles), a.b = tiles.shape[1];
  a.key_blocks = I32(input_tensor(call, at + 1)), a.tile_of = I32(input_tensor(call, at + 2));
  a.bias = F32(input_tensor(call, at + 4));
  for (int64_t row = 0; row < a.rows; row++)
    if (a.starts[row + 1] - a.starts[row] > a.widest) a.widest = a.starts[row + 1] - a.starts[row];
  a.parts = (PARTS + a.B * a.H - 1) / (a.B * a.H);
  if (a.parts > a.rows) a.parts = a.rows;
  return a;
}

void block_attention(Call *call) {
  const Tensor q = input_tensor(call, 0), k = input_tensor(call, 1), v = input_tensor(call, 2);
  int failed = 0;
  Args a = arguments(call, q, k, v, 3, &failed);
  const int64_t output[] = {a.B, a.T, a.H, a.V}, facts[] = {a.B, a.H, a.T, 2};
  a.out = F32(output_tensor(call, 0, output, 4));
  a.out_facts = F32(output_tensor(call, 1, facts, 4));
  parallel_for(call, (size_t)(a.B * a.H * a.parts), forward_part, &a);
  if (failed) out_of_memory(call);
}

void block_attention_gradient(Call *call) {
  const Tensor d = input_tensor(call, 0), q = input_tensor(call, 1), k = input_tensor(call, 2);
  const Tensor v = input_tensor(call, 3), o = input_tensor(call, 4), facts = input_tensor(call, 5);
  int failed = 0;
  Args a = arguments(call, q, k, v, 6, &failed);
  a.d = F32(d), a.o = F32(o), a.facts = F32(facts);
  a.dq = F32(output_tensor(call, 0, q.shape, 4));
  a.dk = F32(output_tensor(call, 1, k.shape, 4));
  a.dv = F32(output_tensor(call, 2, v.shape, 4));
  parallel_for(call, (size_t)(a.B * a.K), backward_head, &a);
  if (failed) out_of_memory(call);
}
