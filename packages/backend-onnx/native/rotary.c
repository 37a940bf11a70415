/*
 * Rotary position embedding, rotate-half form (Su et al., "RoFormer", equation 34): features i and i + E/2 of each head
 * are turned by the angle of their position. x [B, T, H, E]; cosines and sines [B or 1, 1, T, E/2]; H is the attribute heads.
 */
#include "runtime.h"
#include "vector.h"

typedef struct { const float *x, *cos, *sin; float *y; int64_t B, T, H, E, table_step; } Args;

static void turn_position(void *argument, size_t task) {
  const Args *a = argument;
  const int64_t batch = (int64_t)task / a->T, time = (int64_t)task % a->T, half = a->E / 2;
  const float *cos = a->cos + batch * a->table_step + time * half, *sin = a->sin + batch * a->table_step + time * half;
  for (int64_t head = 0; head < a->H; head++) {
    const int64_t at = ((int64_t)task * a->H + head) * a->E;
    for (int64_t i = 0; i < half; i += LANES) { /* half is a multiple of eight */
      const vec first = load(a->x + at + i), second = load(a->x + at + half + i), c = load(cos + i), s = load(sin + i);
      store(a->y + at + i, first * c - second * s);
      store(a->y + at + half + i, second * c + first * s);
    }
  }
}
static void turn_positions(void *argument, size_t chunk) {
  const Args *a = argument;
  for (int64_t i = (int64_t)chunk * 16; i < a->B * a->T && i < ((int64_t)chunk + 1) * 16; i++) turn_position(argument, (size_t)i);
}

void rotary(Call *call) {
  const Tensor x = input_tensor(call, 0), cos = input_tensor(call, 1), sin = input_tensor(call, 2);
  Args a = {F32(x), F32(cos), F32(sin), 0, 0, cos.shape[cos.rank - 2], call->kernel->heads, 2 * cos.shape[cos.rank - 1], 0};
  a.B = x.size / (a.T * a.H * a.E);                /* x may come in any shape */
  const int64_t shape[] = {a.B, a.T, a.H, a.E};
  a.y = F32(output_tensor(call, 0, shape, 4));
  a.table_step = cos.size == a.B * a.T * a.E / 2 && a.B > 1 ? a.T * a.E / 2 : 0;
  parallel_for(call, (size_t)((a.B * a.T + 15) / 16), turn_positions, &a);
}
