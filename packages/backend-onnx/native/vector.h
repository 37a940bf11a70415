/* Eight floats at a time, in the compiler's own vector types: AVX2 where the target has it, two halves elsewhere. */
#ifndef TESSERAE_VECTOR_H
#define TESSERAE_VECTOR_H
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float vec __attribute__((vector_size(32)));
typedef int32_t ivec __attribute__((vector_size(32)));
enum { LANES = 8 };

static inline vec load(const float *p) { vec v; memcpy(&v, p, sizeof v); return v; }
static inline void store(float *p, vec v) { memcpy(p, &v, sizeof v); }
static inline vec splat(float s) { return (vec){s, s, s, s, s, s, s, s}; }
static inline vec choose(ivec mask, vec a, vec b) { return (vec)(((ivec)a & mask) | ((ivec)b & ~mask)); }
static inline vec vmin(vec a, vec b) { return choose(a < b, a, b); }
static inline vec vmax(vec a, vec b) { return choose(a > b, a, b); }
static inline float sum(vec v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
static inline float largest(vec v) {
  float m = v[0];
  for (int i = 1; i < LANES; i++) m = v[i] > m ? v[i] : m;
  return m;
}

/** e^x: x = n ln 2 + r, |r| <= ln 2 / 2, a polynomial for e^r (Cephes' coefficients), 2^n by the exponent bits. 2 ulp. */
static inline vec exp_vec(vec x) {
  x = vmax(vmin(x, splat(88.0f)), splat(-87.0f));
  const vec magic = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
  const vec t = x * splat(1.44269504088896341f) + magic;
  const vec n = t - magic;
  const vec r = (x - n * splat(0.693359375f)) + n * splat(2.12194440e-4f);
  vec p = splat(1.9875691500e-4f);
  p = p * r + splat(1.3981999507e-3f);
  p = p * r + splat(8.3334519073e-3f);
  p = p * r + splat(4.1665795894e-2f);
  p = p * r + splat(1.6666665459e-1f);
  p = p * r + splat(5.0000001201e-1f);
  p = p * (r * r) + r + splat(1.0f);
  const ivec bits = ((ivec)t - (ivec)magic + 127) << 23;
  return p * (vec)bits;
}
static inline vec sigmoid_vec(vec x) { return splat(1.0f) / (splat(1.0f) + exp_vec(-x)); }

/** Reads n < 8 floats, the rest zero; writes n < 8 floats. */
static inline vec load_part(const float *p, int64_t n) { vec v = {0}; memcpy(&v, p, (size_t)n * sizeof(float)); return v; }
static inline void store_part(float *p, vec v, int64_t n) { memcpy(p, &v, (size_t)n * sizeof(float)); }
#endif
