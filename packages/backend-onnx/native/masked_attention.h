/* Attention of some queries over keys and values that lie in a cache or side by side. */
#ifndef TESSERAE_MASKED_ATTENTION_H
#define TESSERAE_MASKED_ATTENTION_H
#include "phases.h"

typedef struct {
  const float *q, *k, *v, *bias;
  float *out, *parts;
  int64_t B, T, S, H, K, E, first;                 /* first: where query 0 stands */
  int64_t k_row, k_head, k_batch, bias_batch, bias_head, bias_row, bias_key;
  int64_t splits, split_keys, part;                /* part: floats of one row's partial result */
  int64_t window;                                  /* 0: none */
  float scale, softcap;                            /* 0: none */
  int causal, failed;
} Attention;

/** What a kernel's attributes and its queries, keys and values say. The first query stands at `first`. */
Attention attention_of(const Call *, const float *q, int64_t q_size, const Tensor *k, const Tensor *v, int cached);
/** Adds a bias of any shape that broadcasts to [B, H, T, S]. */
void read_bias(Attention *, const Tensor *bias);
/** The one or two phases that fill `out`, [B, T, H, E]. */
int attention_phases(Call *, Attention *, Phase *);
/** Frees what they needed. */
void finish_attention(Call *, Attention *);
#endif
