/*
 * The gated unit y = g s(g) u, s the logistic function (Shazeer, "GLU Variants Improve Transformer", equation 5), and its
 * gradient:  dg = dy u (s + g s (1 - s)),  du = dy g s.
 */
#include "runtime.h"
#include "vector.h"
#include "elementwise.h"

typedef struct { const float *g, *u, *dy; float *out, *du; int64_t size; } Args;

static void forward_piece(void *argument, size_t piece) {
  const Args *a = argument;
  int64_t i = (int64_t)piece * PIECE;
  const int64_t end = i + PIECE < a->size ? i + PIECE : a->size;
  for (; i < end; i += LANES) {
    const int64_t n = end - i < LANES ? end - i : LANES;
    const vec g = n == LANES ? load(a->g + i) : load_part(a->g + i, n), u = n == LANES ? load(a->u + i) : load_part(a->u + i, n);
    const vec y = g * sigmoid_vec(g) * u;
    if (n == LANES) store(a->out + i, y);
    else store_part(a->out + i, y, n);
  }
}
static void backward_piece(void *argument, size_t piece) {
  const Args *a = argument;
  int64_t i = (int64_t)piece * PIECE;
  const int64_t end = i + PIECE < a->size ? i + PIECE : a->size;
  for (; i < end; i += LANES) {
    const int64_t n = end - i < LANES ? end - i : LANES;
    const vec dy = load_part(a->dy + i, n), g = load_part(a->g + i, n), u = load_part(a->u + i, n), s = sigmoid_vec(g);
    store_part(a->out + i, dy * u * (s + g * s * (splat(1.0f) - s)), n);
    store_part(a->du + i, dy * g * s, n);
  }
}

void swiglu(Call *call) {
  const Tensor g = input_tensor(call, 0), u = input_tensor(call, 1);
  const Tensor y = output_tensor(call, 0, g.shape, g.rank);
  Args args = {F32(g), F32(u), 0, F32(y), 0, g.size};
  parallel_for(call, (size_t)pieces_of(g.size), forward_piece, &args);
}
void swiglu_gradient(Call *call) {
  const Tensor dy = input_tensor(call, 0), g = input_tensor(call, 1), u = input_tensor(call, 2);
  const Tensor dg = output_tensor(call, 0, g.shape, g.rank), du = output_tensor(call, 1, g.shape, g.rank);
  Args args = {F32(g), F32(u), F32(dy), F32(dg), F32(du), g.size};
  parallel_for(call, (size_t)pieces_of(g.size), backward_piece, &args);
}
