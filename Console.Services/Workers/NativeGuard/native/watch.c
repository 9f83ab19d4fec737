/*
 * The thread that ends turns. It looks once a millisecond while code runs and sleeps while none does. Time is the CPU time of the
 * thread that runs JavaScript: a busy machine does not end anybody's turn.
 */
#include "engine.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK_NS = 1000000, INTERRUPT_EVERY_NS = 5000000, IDLE_LOOKS = 50 };
static const uint64_t ms = 1000000u;

static clockid_t main_clock;
static _Atomic uint32_t asleep;

/* The turn that is watched: its CPU time is known from when it was first seen. */
static struct {
  _Atomic uint64_t sequence, cpu_ns, seen_ns;
} watched;

void watch_wake(void) {
  if (atomic_load_explicit(&asleep, memory_order_relaxed) == 0) return;
  atomic_store(&asleep, 0);
  syscall(SYS_futex, &asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Reading a CPU clock is a system call, a thousand nanoseconds; only turns that lasted long enough to be watched pay for it. */
uint64_t watch_cpu_of(uint64_t sequence, uint64_t began_ns, uint64_t ended_ns) {
  uint64_t went_by = ended_ns - began_ns;
  if (went_by < 2 * ms || watched.sequence != sequence) return went_by;
  uint64_t cpu = clock_ns(main_clock) - watched.cpu_ns + (watched.seen_ns > began_ns ? watched.seen_ns - began_ns : 0);
  return cpu < went_by ? cpu : went_by;
}

static void watch_memory(isolate *of, uint64_t sequence) {
  slots_lock(); /* it cannot be disposed of meanwhile */
  if (turn_sequence == sequence && slot_find(of) >= 0) engine.interrupt(of, memory_on_interrupt, NULL);
  slots_unlock();
}

/* False when the turn is over already. */
static bool end_turn(isolate *of, uint64_t sequence) {
  slots_lock();
  bool runs = turn_sequence == sequence && slot_find(of) >= 0;
  if (runs) engine.terminate(of);
  slots_unlock();
  return runs;
}

static void sleep_until_next_turn(void) {
  uint64_t sequence = turn_sequence;
  atomic_store(&asleep, 1);
  /* A turn that began before it could see us asleep would be watched by nobody. */
  if (turn_sequence == sequence && !turn_isolate) syscall(SYS_futex, &asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
  atomic_store(&asleep, 0);
}

static void *watch(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "guard");
  uint64_t sequence = 0, began = 0, sampled = 0, ended = 0;
  uint32_t idle = 0, limits_seen = 0;
  for (;;) {
    nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
    atomic_fetch_add(&guard->beat, 1);
    if (limits_seen != guard->limits_changed) {
      limits_seen = guard->limits_changed;
      slots_refresh();
    }
    uint64_t now_sequence = turn_sequence;
    isolate *of = turn_isolate;
    int slot = guard->current;
    if (!of) {
      if (now_sequence != sequence) idle = 0;
      sequence = now_sequence;
      if (++idle > IDLE_LOOKS) sleep_until_next_turn();
      continue;
    }
    idle = 0;
    uint64_t cpu = clock_ns(main_clock);
    if (now_sequence != sequence) {
      sequence = now_sequence;
      began = sampled = cpu;
      watched.cpu_ns = cpu;
      watched.seen_ns = clock_ns(CLOCK_MONOTONIC);
      watched.sequence = sequence;
      continue;
    }
    if (slot < 0 || !guard->slots[slot].limited) continue;
    if (cpu - sampled > INTERRUPT_EVERY_NS) {
      sampled = cpu;
      watch_memory(of, sequence);
    }
    bool starts = turn_starts;
    uint64_t limit = (starts ? slot_limits(slot)->startup_ms : slot_limits(slot)->cpu_ms) * ms;
    if (limit == 0 || cpu - began <= limit) continue;
    uint64_t used = cpu - began - collect_forgiven(began, cpu);
    if (used > cpu - began || used <= limit) continue;
    if (ended != sequence && end_turn(of, sequence)) {
      ended = sequence;
      atomic_fetch_add(starts ? &guard->slots[slot].startup_ends : &guard->slots[slot].cpu_ends, 1);
    }
    if (used > limit + guard->grace_ms * ms && turn_sequence == sequence) give_up(slot, "CPU limit, in native code");
  }
}

bool watch_start(void) {
  if (pthread_getcpuclockid(pthread_self(), &main_clock) != 0) return false;
  /* Signals belong to workerd. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  bool started = pthread_create(&thread, NULL, watch, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}
