/*
 * What memory gives two threads: reads a buffer of so many bytes as often as a generation has steps, and prints the bytes per
 * second of all passes together and of the best one.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

typedef float vec __attribute__((vector_size(32)));
static const vec *memory;
static size_t count;
static volatile float sink[2];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static void *read_half(void *half) {
  const size_t from = half ? count / 2 : 0, to = half ? count : count / 2;
  vec s[8] = {{0}};
  for (size_t i = from; i + 8 <= to; i += 8)
    for (int k = 0; k < 8; k++) s[k] += memory[i + k];
  float total = 0;
  for (int k = 0; k < 8; k++) total += s[k][0];
  sink[half != 0] = total;
  return 0;
}
int main(int argc, char **argv) {
  const size_t bytes = argc > 1 ? strtoull(argv[1], 0, 10) : (size_t)1 << 28;
  float *values = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (values == MAP_FAILED) return 1;
#ifdef MADV_HUGEPAGE
  madvise(values, bytes, MADV_HUGEPAGE);
#endif
  for (size_t i = 0; i < bytes / sizeof(float); i++) values[i] = 1.0f;
  memory = (const vec *)values, count = bytes / sizeof(vec);
  const int passes = argc > 2 ? atoi(argv[2]) : 10;
  double best = 1e9, all = 0;
  for (int pass = 0; pass < passes; pass++) {
    pthread_t other;
    const double start = now();
    pthread_create(&other, 0, read_half, values);
    read_half(0);
    pthread_join(other, 0);
    const double seconds = now() - start;
    all += seconds;
    if (seconds < best) best = seconds;
  }
  printf("%.0f %.0f\n", (double)bytes * passes / all, (double)bytes / best);
  return 0;
}
