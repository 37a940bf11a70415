/*
 * GELU in its tanh form: y = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3), and its gradient, one pass each.
 * Hendrycks and Gimpel, "Gaussian Error Linear Units", section 2.
 */
#include "runtime.h"
#include "vector.h"
#include "elementwise.h"

static const float A = 1.5957691216057308f;        /* 2 sqrt(2/pi) */
static const float C = 1.5957691216057308f * 0.044715f;

typedef struct { const float *x, *dy; float *out; int64_t size; } Args;

static inline vec gelu(vec x) { return x * sigmoid_vec(x * (splat(A) + splat(C) * x * x)); }
/* dy/dx = s + x s (1 - s) (2u)',  (2u)' = A + 3 C x^2 */
static inline vec gelu_gradient(vec x, vec dy) {
  const vec xx = x * x;
  const vec s = sigmoid_vec(x * (splat(A) + splat(C) * xx));
  return dy * (s + x * s * (splat(1.0f) - s) * (splat(A) + splat(3 * C) * xx));
}

static void forward_piece(void *argument, size_t piece) {
  const Args *a = argument;
  int64_t i = (int64_t)piece * PIECE;
  const int64_t end = i + PIECE < a->size ? i + PIECE : a->size;
  for (; i + LANES <= end; i += LANES) store(a->out + i, gelu(load(a->x + i)));
  if (i < end) store_part(a->out + i, gelu(load_part(a->x + i, end - i)), end - i);
}
static void backward_piece(void *argument, size_t piece) {
  const Args *a = argument;
  int64_t i = (int64_t)piece * PIECE;
  const int64_t end = i + PIECE < a->size ? i + PIECE : a->size;
  for (; i + LANES <= end; i += LANES) store(a->out + i, gelu_gradient(load(a->x + i), load(a->dy + i)));
  if (i < end) store_part(a->out + i, gelu_gradient(load_part(a->x + i, end - i), load_part(a->dy + i, end - i)), end - i);
}

void fast_gelu(Call *call) {
  const Tensor x = input_tensor(call, 0);
  const Tensor y = output_tensor(call, 0, x.shape, x.rank);
  Args args = {F32(x), 0, F32(y), x.size};
  parallel_for(call, (size_t)pieces_of(x.size), forward_piece, &args);
}
void fast_gelu_gradient(Call *call) {
  const Tensor dy = input_tensor(call, 0), x = input_tensor(call, 1);
  const Tensor dx = output_tensor(call, 0, x.shape, x.rank);
  Args args = {F32(x), F32(dy), F32(dx), x.size};
  parallel_for(call, (size_t)pieces_of(x.size), backward_piece, &args);
}
