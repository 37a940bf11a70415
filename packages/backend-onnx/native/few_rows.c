/*
 * C[M, N] = norm(A)[M, K] op(B) + addend for a few rows of A. B is read once, from memory, and memory is what takes the
 * time: it is read as it lies, each thread its own part from front to back, and never copied. Where op transposes, a column
 * of C is a scalar product with a row of B, four at a time; otherwise eight rows of B are added to a stretch of C at a time.
 * Several matrices that meet the same A are one piece of work, so that threads meet once.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#include "few_rows.h"
#include "phases.h"
#include "vector.h"

#define INLINE static inline __attribute__((always_inline))
enum { STRETCH = 512, PORTION = 32 };              /* columns of C in one task, at most */

/** Scalar products of `columns` rows of B with `rows` rows of A, both constants. */
INLINE void scalar_products(const int rows, const int columns, int64_t K, const float *a, const float *b, float *c, int64_t c_step) {
  vec s[2][4];
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < columns; i++) s[r][i] = splat(0.0f);
  int64_t k = 0;
  for (; k + LANES <= K; k += LANES) {
#pragma GCC unroll 4
    for (int i = 0; i < columns; i++) {
      const vec w = load(b + i * K + k);
#pragma GCC unroll 2
      for (int r = 0; r < rows; r++) s[r][i] += w * load(a + r * K + k);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < columns; i++) {
      float total = sum(s[r][i]);
      for (int64_t j = k; j < K; j++) total += b[i * K + j] * a[r * K + j];
      c[r * c_step + i] = total;
    }
}

/** The scalar product of a row of B with the only row of A: one stream from memory at a time is read quickest. */
static float scalar_product(int64_t K, const float *a, const float *b) {
  vec s[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
  int64_t k = 0;
  for (; k + 4 * LANES <= K; k += 4 * LANES)
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) s[i] += load(b + k + i * LANES) * load(a + k + i * LANES);
  for (; k + LANES <= K; k += LANES) s[0] += load(b + k) * load(a + k);
  float total = sum((s[0] + s[1]) + (s[2] + s[3]));
  for (; k < K; k++) total += b[k] * a[k];
  return total;
}

/** One row of B with `rows` rows of A, a constant: B comes in one stream, and A stays in the first-level cache. */
INLINE void products_of_row(const int rows, int64_t K, const float *a, const float *b, float *to) {
  vec s[4][2];
  for (int r = 0; r < rows; r++) s[r][0] = s[r][1] = splat(0.0f);
  int64_t k = 0;
  for (; k + 2 * LANES <= K; k += 2 * LANES)
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      const vec w = load(b + k + i * LANES);
#pragma GCC unroll 4
      for (int r = 0; r < rows; r++) s[r][i] += w * load(a + r * K + k + i * LANES);
    }
  for (int r = 0; r < rows; r++) {
    float total = sum(s[r][0] + s[r][1]);
    for (int64_t j = k; j < K; j++) total += b[j] * a[r * K + j];
    to[r * PORTION] = total;
  }
}

/** to[M, PORTION] = A times n rows of B. */
static void rows_of_matrix(const FewRows *g, const float *b, int64_t n, float *to) {
  int64_t i = 0;
  if (g->M == 1) {
    for (; i < n; i++) to[i] = scalar_product(g->K, g->a, b + i * g->K);
    return;
  }
  if (g->M <= 4 && g->K <= 1024) {
    for (; i < n; i++)
      switch (g->M) {
        case 2: products_of_row(2, g->K, g->a, b + i * g->K, to + i); break;
        case 3: products_of_row(3, g->K, g->a, b + i * g->K, to + i); break;
        default: products_of_row(4, g->K, g->a, b + i * g->K, to + i);
      }
    return;
  }
  for (; i + 4 <= n; i += 4) { /* the four rows of B stay in the first-level cache for the other rows of A */
    int64_t m = 0;
    for (; m + 2 <= g->M; m += 2) scalar_products(2, 4, g->K, g->a + m * g->K, b + i * g->K, to + m * PORTION + i, PORTION);
    if (m < g->M) scalar_products(1, 4, g->K, g->a + m * g->K, b + i * g->K, to + m * PORTION + i, PORTION);
  }
  for (; i < n; i++)
    for (int64_t m = 0; m < g->M; m++) scalar_products(1, 1, g->K, g->a + m * g->K, b + i * g->K, to + m * PORTION + i, PORTION);
}

/** The matrix of a task, and which of the matrix's tasks it is. */
static const Factor *factor_of(const FewRows *g, int64_t size, int64_t *task) {
  const Factor *f = g->of;
  for (; !g->gated && *task >= (f->N + size - 1) / size; f++) *task -= (f->N + size - 1) / size;
  return f;
}

static void portion(void *argument, size_t index) {
  const FewRows *g = argument;
  int64_t task = (int64_t)index;
  const Factor *f = factor_of(g, g->portion, &task);
  const int64_t from = task * g->portion, n = f->N - from < g->portion ? f->N - from : g->portion;
  float sums[FEW_ROWS * PORTION], other[FEW_ROWS * PORTION];
  rows_of_matrix(g, f->b + from * g->K, n, sums);
  if (g->gated) rows_of_matrix(g, g->of[1].b + from * g->K, n, other);
  for (int64_t m = 0; m < g->M; m++) {
    float *c = f->c + m * f->N + from, *s = sums + m * PORTION;
    const float *addend = f->addend ? f->addend + m * f->addend_step + from : 0;
    if (g->gated)
      for (int64_t i = 0; i < n; i += LANES) {
        const vec x = load(s + i);
        store(s + i, x * sigmoid_vec(x) * load(other + m * PORTION + i));
      }
    for (int64_t i = 0; i < n; i++) c[i] = addend ? s[i] + addend[i] : s[i];
  }
}

/** c[0..n) += a[0..8) times eight rows of B that begin `step` apart. */
static void add_eight(int64_t n, const float *a, const float *b, int64_t step, float *c) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec s = load(c + i);
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) s += splat(a[k]) * load(b + k * step + i);
    store(c + i, s);
  }
  for (; i < n; i++)
    for (int k = 0; k < 8; k++) c[i] += a[k] * b[k * step + i];
}

static void stretch(void *argument, size_t index) {
  const FewRows *g = argument;
  int64_t task = (int64_t)index;
  const Factor *f = factor_of(g, STRETCH, &task);
  const int64_t from = task * STRETCH, n = f->N - from < STRETCH ? f->N - from : STRETCH, N = f->N;
  for (int64_t m = 0; m < g->M; m++)
    for (int64_t i = from; i < from + n; i++) f->c[m * N + i] = f->addend ? f->addend[m * f->addend_step + i] : 0.0f;
  int64_t k = 0;
  for (; k + 8 <= g->K; k += 8)
    for (int64_t m = 0; m < g->M; m++) add_eight(n, g->a + m * g->K + k, f->b + k * N + from, N, f->c + m * N + from);
  for (; k < g->K; k++)
    for (int64_t m = 0; m < g->M; m++)
      for (int64_t i = from; i < from + n; i++) f->c[m * N + i] += g->a[m * g->K + k] * f->b[k * N + i];
}

/** a = x / sqrt(mean(x^2) + epsilon) weight, row by row. */
static void normalize(void *argument, size_t task) {
  const FewRows *g = argument;
  (void)task;
  for (int64_t m = 0; m < g->M; m++) {
    const float *x = g->x + m * g->K;
    vec squares = {0};
    for (int64_t k = 0; k < g->K; k += LANES) squares += load(x + k) * load(x + k);
    const vec r = splat(1.0f / sqrtf(sum(squares) / (float)g->K + g->epsilon));
    for (int64_t k = 0; k < g->K; k += LANES) store(g->normed + m * g->K + k, load(x + k) * r * load(g->norm + k));
  }
}

/**
 * Asks for large pages under matrices that are read again and again: a tenth less time to read them. Moving them takes
 * time, so that each kernel does it at a step of its own, after a few steps with the same matrix. Failing costs nothing.
 */
void widen_pages(Call *call, const FewRows *const *groups, int count) {
#ifdef __linux__
  enum { COLLAPSE = 25, PATIENCE = 4, APART = 64 }; /* MADV_COLLAPSE of Linux 6.1 */
  Kernel *kernel = (Kernel *)call->kernel;
  const void *matrix = groups[0]->of[0].b;
  if (__atomic_exchange_n(&kernel->matrix, matrix, __ATOMIC_RELAXED) != matrix) __atomic_store_n(&kernel->calls, 0, __ATOMIC_RELAXED);
  if (__atomic_fetch_add(&kernel->calls, 1, __ATOMIC_RELAXED) != PATIENCE + kernel->number % APART) return;
  const uintptr_t page = (uintptr_t)1 << 21;
  for (int j = 0; j < count; j++)
    for (int i = 0; i < groups[j]->count; i++) {
      const Factor *f = groups[j]->of + i;
      const uintptr_t from = (uintptr_t)f->b & ~(page - 1), to = ((uintptr_t)(f->b + f->N * groups[j]->K) + page - 1) & ~(page - 1);
      if (to - from < 2 * page) continue;
      madvise((void *)from, to - from, MADV_HUGEPAGE);
      for (uintptr_t at = from; at < to; at += page) madvise((void *)at, page, COLLAPSE);
    }
#else
  (void)call, (void)groups, (void)count;
#endif
}

int few_rows_phases(Call *call, FewRows *g, Phase *phases) {
  int count = 0;
  if (g->norm) {
    g->x = g->a, g->a = g->normed, g->epsilon = call->kernel->epsilon;
    phases[count++] = (Phase){normalize, g, 1};
  }
  g->portion = g->K > 1024 ? PORTION / 4 : PORTION; /* of a hundred kilobytes */
  const int64_t size = g->transposed ? g->portion : STRETCH;
  int64_t tasks = 0;
  for (int i = 0; i < (g->gated ? 1 : g->count); i++) tasks += (g->of[i].N + size - 1) / size;
  phases[count++] = (Phase){g->transposed ? portion : stretch, g, (size_t)tasks};
  return count;
}

void few_rows(Call *call, FewRows *g) {
  if (call->status) return;
  const FewRows *all[] = {g};
  widen_pages(call, all, 1);
  Phase phases[2];
  if (g->norm && !(g->normed = scratch(call, g->M * g->K))) return;
  parallel_phases(call, phases, few_rows_phases(call, g, phases));
  free(g->normed);
}

/** The rows [M, K] and their norm; K is known from the matrices, so that the rows may come in any shape. */
static FewRows rows_for(Call *call, const Tensor *a, const Tensor *b, const Tensor *norm) {
  FewRows g = {.a = F32(*a), .norm = F32(*norm), .transposed = (int)call->kernel->trans_b};
  g.K = b->shape[g.transposed ? 1 : 0];
  g.M = g.K ? a->size / g.K : 0;
  return g;
}
static Factor factor(const FewRows *g, const Tensor *b, const Tensor *addend) {
  const int64_t N = b->shape[g->transposed ? 0 : 1];
  return (Factor){F32(*b), F32(*addend), 0, N, addend->size == N && g->M != 1 ? 0 : N};
}

/** Inputs: rows, three matrices, a bias for each or none, a norm or none. */
void few_rows_products(Call *call) {
  const Tensor a = input_tensor(call, 0), norm = input_tensor(call, 7);
  Tensor b[3], bias[3];
  for (size_t i = 0; i < 3; i++) b[i] = input_tensor(call, 1 + i), bias[i] = input_tensor(call, 4 + i);
  if (call->status) return;
  FewRows g = rows_for(call, &a, b, &norm);
  g.count = 3;
  for (size_t i = 0; i < 3; i++) {
    g.of[i] = factor(&g, b + i, bias + i);
    const int64_t shape[] = {g.M, g.of[i].N};
    g.of[i].c = F32(output_tensor(call, i, shape, 2));
  }
  few_rows(call, &g);
}

/** silu(A gate) (A up). Inputs: rows, gate, up, a norm or none. */
void few_rows_gated(Call *call) {
  const Tensor a = input_tensor(call, 0), gate = input_tensor(call, 1), up = input_tensor(call, 2), norm = input_tensor(call, 3), none = {0};
  if (call->status) return;
  FewRows g = rows_for(call, &a, &gate, &norm);
  g.count = 2, g.gated = 1;
  g.of[0] = factor(&g, &gate, &none), g.of[1] = factor(&g, &up, &none);
  const int64_t shape[] = {g.M, g.of[0].N};
  g.of[0].c = F32(output_tensor(call, 0, shape, 2));
  few_rows(call, &g);
}
