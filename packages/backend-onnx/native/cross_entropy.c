/*
 * Cross-entropy of rows of logits with integer labels, and its gradient, in one pass that reads a row while it is in
 * the first-level cache:  loss = log sum exp(z) - z_label,  dz = (softmax(z) - onehot(label)) * weight,  0 for ignored
 * labels. Inputs: logits [N, V], labels [N], weight (a scalar). Outputs: losses [N], dlogits [N, V].
 */
#include "runtime.h"
#include "vector.h"

typedef struct { const float *logits; const int32_t *labels; const float *weight; float *losses, *gradient; int64_t rows, V, ignore; } Args;
enum { ROWS = 8 };

static void some_rows(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t V = a->V, from = (int64_t)task * ROWS, to = from + ROWS < a->rows ? from + ROWS : a->rows;
  for (int64_t row = from; row < to; row++) {
    const float *z = a->logits + row * V;
    float *d = a->gradient + row * V;
    const int32_t label = a->labels[row];
    if (label == a->ignore || label < 0 || label >= V) {
      a->losses[row] = label == a->ignore ? 0.0f : NAN;
      memset(d, 0, (size_t)V * sizeof(float));
      continue;
    }
    vec top = splat(-INFINITY), total = {0};
    int64_t i = 0;
    for (; i + LANES <= V; i += LANES) top = vmax(top, load(z + i));
    float m = largest(top);
    for (; i < V; i++) m = z[i] > m ? z[i] : m;
    const float chosen = z[label];
    for (i = 0; i + LANES <= V; i += LANES) {
      const vec e = exp_vec(load(z + i) - splat(m));
      total += e;
      store(d + i, e);
    }
    float s = sum(total);
    for (; i < V; i++) s += d[i] = expf(z[i] - m);
    a->losses[row] = logf(s) + m - chosen;
    const float w = *a->weight / s;
    for (i = 0; i + LANES <= V; i += LANES) store(d + i, load(d + i) * splat(w));
    for (; i < V; i++) d[i] *= w;
    d[label] -= *a->weight;
  }
}

void softmax_cross_entropy(Call *call) {
  const Tensor z = input_tensor(call, 0), labels = input_tensor(call, 1), weight = input_tensor(call, 2);
  const Tensor losses = output_tensor(call, 0, labels.shape, labels.rank);
  const Tensor gradient = output_tensor(call, 1, z.shape, z.rank);
  const int64_t V = z.shape[z.rank - 1];
  Args args = {F32(z), I32(labels), F32(weight), F32(losses), F32(gradient), rows_of(z), V, call->kernel->ignore_index};
  parallel_for(call, (size_t)((args.rows + ROWS - 1) / ROWS), some_rows, &args);
}
