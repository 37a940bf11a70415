/* Steps of work of which each needs the whole of the one before, at one meeting with ONNX Runtime's threads. */
#ifndef TESSERAE_PHASES_H
#define TESSERAE_PHASES_H
#include "runtime.h"

enum { MOST_PHASES = 16 };

/** run(argument, task) for every task, in any order and on any thread. */
typedef struct {
  Task run;
  void *argument;
  size_t tasks;
} Phase;

/** Runs phase after phase. Does nothing in a call that has failed. */
void parallel_phases(Call *, const Phase *, int count);
#endif
