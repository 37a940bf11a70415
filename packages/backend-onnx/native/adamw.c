/*
 * One Adam or AdamW step in one pass over parameter, gradient and both moments (Loshchilov and Hutter, "Decoupled Weight
 * Decay Regularization", algorithm 2), the moments kept as plain sums so that their weights are scalars outside:
 *   g' = scale g;  m = b1 m + g';  v = b2 v + g'^2;  p = keep p - rate m / (sqrt(v) + floor)
 * Inputs: p, g, m, v, factors [keep, rate, floor, b1, b2, scale]. In place where input and output share memory.
 */
#include "runtime.h"
#include "vector.h"
#include "elementwise.h"

typedef struct { const float *p, *g, *m, *v, *s; float *np, *nm, *nv; int64_t size; } Args;

typedef struct { vec keep, rate, floor, b1, b2, scale; } Factors;

static inline __attribute__((always_inline)) void update(const Args *a, const Factors *f, int64_t i, int64_t n) {
  const vec g = f->scale * load_part(a->g + i, n);
  const vec m = f->b1 * load_part(a->m + i, n) + g;
  const vec v = f->b2 * load_part(a->v + i, n) + g * g;
  float root[LANES];
  store(root, v);
  for (int k = 0; k < LANES; k++) root[k] = sqrtf(root[k]);
  const vec p = load_part(a->p + i, n) * f->keep - f->rate * m / (load(root) + f->floor);
  store_part(a->np + i, p, n);
  store_part(a->nm + i, m, n);
  store_part(a->nv + i, v, n);
}

static void piece_of_update(void *argument, size_t piece) {
  const Args *a = argument;
  const float *s = a->s;
  const Factors f = {splat(s[0]), splat(s[1]), splat(s[2]), splat(s[3]), splat(s[4]), splat(s[5])};
  int64_t i = (int64_t)piece * PIECE;
  const int64_t end = i + PIECE < a->size ? i + PIECE : a->size;
  for (; i + LANES <= end; i += LANES) update(a, &f, i, LANES);
  if (i < end) update(a, &f, i, end - i);
}

void adamw_update(Call *call) {
  const Tensor p = input_tensor(call, 0), g = input_tensor(call, 1);
  const Tensor m = input_tensor(call, 2), v = input_tensor(call, 3);
  const Tensor s = input_tensor(call, 4);
  const Tensor np = output_tensor(call, 0, p.shape, p.rank);
  const Tensor nm = output_tensor(call, 1, p.shape, p.rank);
  const Tensor nv = output_tensor(call, 2, p.shape, p.rank);
  Args args = {F32(p), F32(g), F32(m), F32(v), F32(s), F32(np), F32(nm), F32(nv), p.size};
  parallel_for(call, (size_t)pieces_of(p.size), piece_of_update, &args);
}
