/*
 * The gradient of layer normalization over the last axis in one pass over its inputs (Ba, Kiros and Hinton, "Layer
 * Normalization"):  with h = (x - mean) r,  g = dy scale,
 *   dx = r (g - mean(g) - h mean(g h)),   dscale = sum over rows of dy h,   dbias = sum over rows of dy.
 * Rows are cut into a fixed number of groups, each summed on its own and then added in order: the result does not
 * depend on the number of threads. The width is a multiple of eight.
 */
#include <stdlib.h>
#include "runtime.h"
#include "vector.h"

enum { GROUPS = 8 };
typedef struct { const float *dy, *x, *scale, *mean, *r; float *dx, *sums; int64_t rows, width; int centered; } Args;

static void group_of_rows(void *argument, size_t group) {
  const Args *a = argument;
  const int64_t D = a->width, from = (int64_t)group * a->rows / GROUPS, to = ((int64_t)group + 1) * a->rows / GROUPS;
  float *dscale = a->sums + (int64_t)group * 2 * D, *dbias = dscale + D;
  memset(dscale, 0, (size_t)(2 * D) * sizeof(float));
  for (int64_t row = from; row < to; row++) {
    const float *dy = a->dy + row * D, *x = a->x + row * D;
    float *dx = a->dx + row * D;
    const vec r = splat(a->r[row]), mean = splat(a->centered ? a->mean[row] : 0.0f);
    vec sg = {0}, sgh = {0};
    for (int64_t i = 0; i < D; i += LANES) {
      const vec d = load(dy + i), h = (load(x + i) - mean) * r, g = d * load(a->scale + i);
      sg += g;
      sgh += g * h;
      store(dscale + i, load(dscale + i) + d * h);
      store(dbias + i, load(dbias + i) + d);
    }
    const vec mg = splat(a->centered ? sum(sg) / (float)D : 0.0f), mgh = splat(sum(sgh) / (float)D);
    for (int64_t i = 0; i < D; i += LANES) {
      const vec h = (load(x + i) - mean) * r, g = load(dy + i) * load(a->scale + i);
      store(dx + i, r * (g - mg - h * mgh));
    }
  }
}

static void run(Call *call, int centered) {
  const Tensor dy = input_tensor(call, 0), x = input_tensor(call, 1);
  const Tensor scale = input_tensor(call, 2), last = input_tensor(call, centered ? 4 : 3);
  const float *mean = centered ? F32(input_tensor(call, 3)) : 0;
  const int64_t D = x.shape[x.rank - 1];
  const Tensor dx = output_tensor(call, 0, x.shape, x.rank);
  const Tensor dscale = output_tensor(call, 1, &D, 1);
  float *sums = scratch(call, GROUPS * 2 * D);
  if (!sums) return;
  Args args = {F32(dy), F32(x), F32(scale), mean, F32(last), F32(dx), sums, rows_of(x), D, centered};
  parallel_for(call, GROUPS, group_of_rows, &args);
  float *ds = F32(dscale), *db = centered ? F32(output_tensor(call, 2, &D, 1)) : 0;
  if (call->status) {
    free(sums);
    return;
  }
  for (int64_t i = 0; i < D; i++) {
    float s = 0, b = 0;
    for (int group = 0; group < GROUPS; group++) {
      s += sums[group * 2 * D + i];
      b += sums[group * 2 * D + D + i];
    }
    ds[i] = s;
    if (db) db[i] = b;
  }
  free(sums);
}

void layer_normalization_gradient(Call *call) { run(call, 1); }
void rms_normalization_gradient(Call *call) { run(call, 0); }
