/*
 * C[M, N] = op(A) op(B) + addend, the product that training spends its time in (Goto and van de Geijn, "Anatomy of
 * High-Performance Matrix Multiplication"). op transposes where the attribute says so; the addend is absent, a row [N]
 * (a bias) or a matrix [M, N] (a gradient to accumulate into, which may share memory with C). B is packed in panels of
 * sixteen columns; a transposed A in panels of six rows; A as it lies is read in place, six rows side by side.
 */
#include <stdlib.h>
#include <unistd.h>
#include "few_rows.h"
#include "product.h"
#include "runtime.h"

enum { DEPTH = 384, TALL = 96, TALL_PACKED = 192, ROWS = 6, COLUMNS = 16 };
typedef struct {
  const float *a, *b, *addend;
  float *c, *packed;                               /* packed: B in panels of sixteen columns, K deep */
  int64_t M, N, K, a_step, b_step, addend_step;    /* addend_step 0: one row for all */
  int trans_a, trans_b;
  int64_t tasks;                                   /* that share the rows of C evenly, in groups of six */
  int *failed;                                     /* set by a task that found no memory */
} Args;
enum { PANELS = 4 };                               /* packed by one task */

#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
/** to[k][0..8) = from[0..8)[k] for eight k. */
static inline void transpose8(const float *from, int64_t step, float *to, int64_t to_step) {
  vec r[8], s[8];
  for (int i = 0; i < 8; i++) r[i] = load(from + i * step);
  for (int i = 0; i < 4; i++) {
    s[2 * i] = SHUFFLE(r[2 * i], r[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[2 * i + 1] = SHUFFLE(r[2 * i], r[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 2; i++) {
    r[4 * i] = SHUFFLE(s[4 * i], s[4 * i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    r[4 * i + 1] = SHUFFLE(s[4 * i], s[4 * i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    r[4 * i + 2] = SHUFFLE(s[4 * i + 1], s[4 * i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    r[4 * i + 3] = SHUFFLE(s[4 * i + 1], s[4 * i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; i++) {
    store(to + i * to_step, SHUFFLE(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11));
    store(to + (i + 4) * to_step, SHUFFLE(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
}

/** K rows of `width` columns that lie side by side, in panels of `panel` columns, the last filled with zeros. */
static void pack_columns(const float *from, int64_t K, int64_t width, int64_t step, int64_t panel, float *to) {
  const int64_t whole = width / panel * panel;
  for (int64_t k = 0; k < K; k++, from += step) { /* a row is read once, while its page is at hand */
    float *at = to + k * panel;
    if (panel == COLUMNS)
      for (int64_t c = 0; c < whole; c += COLUMNS, at += K * COLUMNS) {
        store(at, load(from + c));
        store(at + LANES, load(from + c + LANES));
      }
    else
      for (int64_t c = 0; c < whole; c += ROWS, at += K * ROWS) memcpy(at, from + c, ROWS * sizeof(float));
    if (whole < width)
      for (int64_t i = 0; i < panel; i++) at[i] = whole + i < width ? from[whole + i] : 0.0f;
  }
}
/** The same from a matrix whose rows are the columns wanted. */
static void pack_rows(const float *from, int64_t K, int64_t width, int64_t step, float *to) {
  for (int64_t c = 0; c < width; c += COLUMNS, to += K * COLUMNS) {
    const int64_t n = width - c < COLUMNS ? width - c : COLUMNS;
    int64_t k = 0;
    if (n == COLUMNS)
      for (; k + LANES <= K; k += LANES) {
        transpose8(from + c * step + k, step, to + k * COLUMNS, COLUMNS);
        transpose8(from + (c + LANES) * step + k, step, to + k * COLUMNS + LANES, COLUMNS);
      }
    for (; k < K; k++)
      for (int64_t i = 0; i < COLUMNS; i++) to[k * COLUMNS + i] = i < n ? from[(c + i) * step + k] : 0.0f;
  }
}

/** One block of C: products of `depth` terms, added to what `from` says (the addend at first, C afterwards). */
INLINE void block(const int rows, int64_t depth, const float *a, int64_t row_step, int64_t column_step, const float *b, const float *from,
                  int64_t from_step, float *c, int64_t c_step, int64_t columns) {
  vec s[ROWS][2];
  for (int r = 0; r < rows; r++) s[r][0] = s[r][1] = splat(0.0f);
  for (int64_t k = 0; k < depth; k++) {
    const vec b0 = load(b + k * COLUMNS), b1 = load(b + k * COLUMNS + LANES);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
      const vec x = splat(a[r * row_step + k * column_step]);
      s[r][0] += x * b0;
      s[r][1] += x * b1;
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < rows; r++) {
    float *p = c + r * c_step;
    const float *f = from ? from + r * from_step : 0;
    if (columns == COLUMNS) {
      store(p, f ? s[r][0] + load(f) : s[r][0]);
      store(p + LANES, f ? s[r][1] + load(f + LANES) : s[r][1]);
    } else
      for (int64_t i = 0; i < columns; i++) p[i] = s[r][i / LANES][i % LANES] + (f ? f[i] : 0.0f);
  }
}

static void pack_panels(void *argument, size_t task) {
  const Args *g = argument;
  const int64_t from = (int64_t)task * PANELS * COLUMNS, width = g->N - from < PANELS * COLUMNS ? g->N - from : PANELS * COLUMNS;
  if (g->trans_b) pack_rows(g->b + from * g->b_step, g->K, width, g->b_step, g->packed + from * g->K);
  else pack_columns(g->b + from, g->K, width, g->b_step, COLUMNS, g->packed + from * g->K);
}

static void rows_of_product(void *argument, size_t task) {
  const Args *g = argument;
  const int64_t groups = (g->M + ROWS - 1) / ROWS, m0 = (int64_t)task * groups / g->tasks * ROWS;
  const int64_t end = ((int64_t)task + 1) * groups / g->tasks * ROWS, M = (end < g->M ? end : g->M) - m0;
  float *packed = g->trans_a ? scratch_of_task((M + ROWS) * DEPTH) : 0;
  if (g->trans_a && !packed) {
    *g->failed = 1;
    return;
  }
  for (int64_t k0 = 0; k0 < g->K; k0 += DEPTH) {
    const int64_t K = g->K - k0 < DEPTH ? g->K - k0 : DEPTH;
    if (packed) pack_columns(g->a + k0 * g->a_step + m0, K, M, g->a_step, ROWS, packed);
    const float *a = packed ? packed : g->a + m0 * g->a_step + k0;
    const int64_t panel = packed ? K : g->a_step, row_step = packed ? 1 : g->a_step, column_step = packed ? ROWS : 1;
    for (int64_t n = 0; n < g->N; n += COLUMNS) {
      const float *b = g->packed + n * g->K + k0 * COLUMNS;
      const int64_t columns = g->N - n < COLUMNS ? g->N - n : COLUMNS;
      for (int64_t m = 0; m < M; m += ROWS) {
        float *c = g->c + (m0 + m) * g->N + n;
        const float *from = k0 ? c : g->addend ? g->addend + (m0 + m) * g->addend_step + n : 0;
        const int64_t from_step = k0 ? g->N : g->addend_step;
        switch (M - m < ROWS ? M - m : ROWS) {
          case 6: block(6, K, a + m * panel, row_step, column_step, b, from, from_step, c, g->N, columns); break;
          case 5: block(5, K, a + m * panel, row_step, column_step, b, from, from_step, c, g->N, columns); break;
          case 4: block(4, K, a + m * panel, row_step, column_step, b, from, from_step, c, g->N, columns); break;
          case 3: block(3, K, a + m * panel, row_step, column_step, b, from, from_step, c, g->N, columns); break;
          case 2: block(2, K, a + m * panel, row_step, column_step, b, from, from_step, c, g->N, columns); break;
          default: block(1, K, a + m * panel, row_step, column_step, b, from, from_step, c, g->N, columns);
        }
      }
    }
  }
  free(packed);
}

/** The general product: B is packed once, then each task multiplies some rows. */
static void packed_product(Call *call, Args *g) {
  const int64_t panels = (g->N + COLUMNS - 1) / COLUMNS;
  int failed = 0;
  g->failed = &failed;
  g->packed = scratch(call, panels * COLUMNS * g->K);
  if (!g->packed) return;
  parallel_for(call, (size_t)((panels + PANELS - 1) / PANELS), pack_panels, g);
  /* As many tasks as processors, or twice, … : they share evenly. Packed rows are worth more rows: each task reads all of B. */
  const int64_t processors = sysconf(_SC_NPROCESSORS_ONLN), round = processors < 1 ? 1 : processors > 16 ? 16 : processors;
  const int64_t most = round * (g->trans_a ? TALL_PACKED : TALL), groups = (g->M + ROWS - 1) / ROWS;
  g->tasks = (g->M + most - 1) / most * round;
  if (g->tasks > groups) g->tasks = groups;
  parallel_for(call, (size_t)g->tasks, rows_of_product, g);
  free(g->packed);
  if (failed) out_of_memory(call);
}

void matrix_product(Call *call) {
  const Tensor a = input_tensor(call, 0), b = input_tensor(call, 1), addend = input_tensor(call, 2), norm = input_tensor(call, 3);
  if (call->status) return;
  Args g = {0};
  g.trans_a = (int)call->kernel->trans_a, g.trans_b = (int)call->kernel->trans_b;
  g.a = F32(a), g.b = F32(b), g.b_step = b.shape[b.rank - 1];
  g.N = g.trans_b ? rows_of(b) : g.b_step;
  g.K = g.trans_b ? g.b_step : rows_of(b);         /* the rows of A may come in any shape */
  g.M = g.K ? a.size / g.K : 0, g.a_step = g.trans_a ? g.M : g.K;
  if (addend.data) {
    g.addend = F32(addend);
    g.addend_step = addend.size == g.N && g.M != 1 ? 0 : g.N;
  }
  /* The result has the shape of a matrix that it is added to. */
  const int64_t shape[] = {g.M, g.N};
  const int like = addend.data && addend.rank > 2 && addend.size == g.M * g.N;
  g.c = F32(output_tensor(call, 0, like ? addend.shape : shape, like ? addend.rank : 2));
  if (call->status) return;
  if (g.M <= FEW_ROWS && !g.trans_a) {
    FewRows few = {.a = g.a, .norm = F32(norm), .M = g.M, .K = g.K, .transposed = g.trans_b, .count = 1};
    few.of[0] = (Factor){g.b, g.addend, g.c, g.N, g.addend_step};
    few_rows(call, &few);
  } else
    packed_product(call, &g);
}
