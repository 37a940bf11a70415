/* Attention over caches that the same step writes. */
#ifndef TESSERAE_CACHED_ATTENTION_H
#define TESSERAE_CACHED_ATTENTION_H
#include "masked_attention.h"

typedef struct {
  const float *q, *k, *v, *cos, *sin, *keys, *values;
  float *turned, *new_keys, *new_values;           /* turned [B, T, H, E]: the queries; NULL where there is nothing to turn */
  int64_t length, table_step;
  Attention attention;
} CachedAttention;

/** Of queries [B, T, H, E], `q_size` floats, with the caches and what follows them at the inputs from `first` on, new caches at outputs 1 and 2. */
CachedAttention cached_attention_of(Call *, size_t first, int64_t q_size);
enum { CACHED_PHASES = 4 };
/** At most four phases: `q`, `k`, `v` and, where `cos` is there, `turned` are the caller's, and the attention's `out`. */
int cached_attention_phases(Call *, CachedAttention *, Phase *);
#endif
