/* Products of a few rows with large matrices: what decoding a token spends its time in. */
#ifndef TESSERAE_FEW_ROWS_H
#define TESSERAE_FEW_ROWS_H
#include "runtime.h"

enum { FEW_ROWS = 8, MOST_MATRICES = 3 };          /* from more rows on packing the matrix pays */

/** A matrix [K, N], or [N, K] where transposed, and where its product goes. */
typedef struct {
  const float *b, *addend;                         /* addend: NULL for none */
  float *c;                                        /* [M, N] */
  int64_t N, addend_step;                          /* 0: one row for all */
} Factor;

/** One to three products of the same rows. */
typedef struct {
  const float *a, *norm;                           /* a [M, K]; norm [K]: a root-mean-square norm first, NULL for none */
  int64_t M, K;
  int transposed, gated, count;                    /* gated: the result is silu(first) second, in the first's place */
  Factor of[MOST_MATRICES];
} FewRows;

void few_rows(Call *, FewRows *);
#endif
