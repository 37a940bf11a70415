/*
 * Threads that have met stay together: each takes its own share of a phase's tasks from front to back (memory is read
 * quickest in one stream), then what others have not begun, and waits for the last task before it goes on. A task is
 * claimed by a thread that runs, so that one thread alone does everything and a late one finds nothing to do: nobody waits
 * for a thread that has not come.
 */
#include <sched.h>
#include <unistd.h>
#include "phases.h"

enum { MOST_MEMBERS = 16, PATIENCE = 4096 };
typedef struct {
  _Alignas(64) uint64_t shares[MOST_MEMBERS];      /* the tasks that are left of each share: first << 32 | end */
  _Alignas(64) size_t done;
} Progress;
typedef struct {
  const Phase *phases;
  Progress *progress;
  int count;
  size_t members;
} Team;

/** Takes a task of a share, its owner from the front and others from the back. */
static int claim(uint64_t *share, int own, size_t *task) {
  uint64_t left = __atomic_load_n(share, __ATOMIC_RELAXED);
  for (;;) {
    const uint32_t first = (uint32_t)(left >> 32), end = (uint32_t)left;
    if (first >= end) return 0;
    const uint64_t less = own ? left + ((uint64_t)1 << 32) : left - 1;
    if (!__atomic_compare_exchange_n(share, &left, less, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
    *task = own ? first : end - 1;
    return 1;
  }
}

static void wait_a_little(int waited) {
  if (waited > PATIENCE) sched_yield();            /* more threads than processors, perhaps */
#if defined(__x86_64__)
  else __builtin_ia32_pause();
#elif defined(__aarch64__)
  else __asm__ __volatile__("yield");
#endif
}

static void member(void *argument, size_t self) {
  const Team *team = argument;
  for (int p = 0; p < team->count; p++) {
    const Phase *phase = team->phases + p;
    Progress *progress = team->progress + p;
    size_t mine = 0, task;
    for (size_t i = 0; i < team->members; i++)
      while (claim(progress->shares + (self + i) % team->members, i == 0, &task)) {
        phase->run(phase->argument, task);
        mine++;
      }
    if (mine) __atomic_fetch_add(&progress->done, mine, __ATOMIC_RELEASE);
    for (int waited = 0; __atomic_load_n(&progress->done, __ATOMIC_ACQUIRE) < phase->tasks; waited++) wait_a_little(waited);
  }
}

void parallel_phases(Call *call, const Phase *phases, int count) {
  Progress progress[MOST_PHASES];
  const long processors = sysconf(_SC_NPROCESSORS_ONLN);
  size_t most = 0;
  for (int p = 0; p < count; p++) most = phases[p].tasks > most ? phases[p].tasks : most;
  Team team = {phases, progress, count, processors < 1 ? 1 : processors > MOST_MEMBERS ? MOST_MEMBERS : (size_t)processors};
  if (team.members > most) team.members = most;
  for (int p = 0; p < count; p++) {
    progress[p].done = 0;
    for (size_t i = 0; i < team.members; i++)
      progress[p].shares[i] = (uint64_t)(i * phases[p].tasks / team.members) << 32 | (i + 1) * phases[p].tasks / team.members;
  }
  parallel_for(call, team.members, member, &team);
}
