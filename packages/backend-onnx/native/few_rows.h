/* Products of a few rows with large matrices: what decoding a token spends its time in. */
#ifndef TESSERAE_FEW_ROWS_H
#define TESSERAE_FEW_ROWS_H
#include "phases.h"

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
  float *normed;                                   /* [M, K], for the rows with their norm */
  int64_t M, K;
  int transposed, gated, count;                    /* gated: the result is silu(first) second, in the first's place */
  Factor of[MOST_MATRICES];
  const float *x;                                  /* from here on it is seen to by `few_rows_phases` */
  float epsilon;
  int64_t portion;
} FewRows;

void few_rows(Call *, FewRows *);
/** The one or two phases of it; `normed` is the caller's. */
int few_rows_phases(Call *, FewRows *, Phase *);
/** Asks for large pages under the matrices of a kernel that is called again and again. */
void widen_pages(Call *, const FewRows *const *groups, int count);
#endif
