/*
 * C (+)= A B for small row-major blocks: A is read element by element through two strides (so that a transposed A costs
 * nothing), B and C by rows of contiguous floats. The block of six rows and sixteen columns lives in twelve registers.
 */
#ifndef TESSERAE_PRODUCT_H
#define TESSERAE_PRODUCT_H
#include "vector.h"

#define INLINE static inline __attribute__((always_inline))

/** One block of up to 6 rows (a constant) and 16 columns. */
INLINE void block16(const int rows, int64_t K, const float *a, int64_t row_step, int64_t column_step, const float *b, int64_t b_step,
                    float *c, int64_t c_step, int accumulate, float scale) {
  vec s[6][2];
  for (int r = 0; r < rows; r++) s[r][0] = s[r][1] = splat(0.0f);
  for (int64_t k = 0; k < K; k++) {
    const vec b0 = load(b + k * b_step), b1 = load(b + k * b_step + LANES);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
      const vec x = splat(a[r * row_step + k * column_step]);
      s[r][0] += x * b0;
      s[r][1] += x * b1;
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < rows; r++)
    for (int h = 0; h < 2; h++) {
      float *p = c + r * c_step + h * LANES;
      store(p, accumulate ? load(p) + s[r][h] * splat(scale) : s[r][h] * splat(scale));
    }
}

/** C[M, N] (+)= scale A[M, K] B[K, N]; N is a multiple of 16. */
static inline void product(int64_t M, int64_t N, int64_t K, const float *a, int64_t row_step, int64_t column_step, const float *b,
                           int64_t b_step, float *c, int64_t c_step, int accumulate, float scale) {
  for (int64_t n = 0; n < N; n += 16) {
    int64_t m = 0;
    for (; m + 6 <= M; m += 6)
      block16(6, K, a + m * row_step, row_step, column_step, b + n, b_step, c + m * c_step + n, c_step, accumulate, scale);
    for (; m + 2 <= M; m += 2)
      block16(2, K, a + m * row_step, row_step, column_step, b + n, b_step, c + m * c_step + n, c_step, accumulate, scale);
    for (; m < M; m++)
      block16(1, K, a + m * row_step, row_step, column_step, b + n, b_step, c + m * c_step + n, c_step, accumulate, scale);
  }
}
#endif
