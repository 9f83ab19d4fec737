/*
 * What the runtime leaves behind of each request lies on its worker's heap until that is collected as a whole: after tens of thousands
 * of requests in one turn, which may take a tenth of a second. The worker whose turn it is has not computed that long. So up to an
 * allowance, collections do not count against the limit of a turn; what a worker makes V8 collect beyond it does, or code that only
 * fills its heap would never end. The share of a core is charged all of it.
 */
#include "engine.h"

enum { WHOLE = 4 | 16 }; /* GCType: mark and sweep, weak callbacks; the small collections are counted */
static const uint64_t allowance_ns = 400 * 1000000ull;

/* CPU clock of the main thread when the collection that runs began, or zero; and what those of this turn took. */
static _Atomic uint64_t since_ns, done_ns;

static void before(isolate *of, int type, int flags, void *data) {
  (void)of, (void)type, (void)flags, (void)data;
  if (on_main_thread()) atomic_store(&since_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID));
}

static void after(isolate *of, int type, int flags, void *data) {
  (void)of, (void)type, (void)flags, (void)data;
  uint64_t since = since_ns;
  if (!on_main_thread() || since == 0) return;
  atomic_fetch_add(&done_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID) - since);
  atomic_store(&since_ns, 0);
}

void collect_follow(isolate *made) {
  engine.before_collection(made, before, NULL, WHOLE);
  engine.after_collection(made, after, NULL, WHOLE);
}

void collect_turn(void) { atomic_store_explicit(&done_ns, 0, memory_order_relaxed); }

uint64_t collect_forgiven(uint64_t began_ns, uint64_t cpu_ns) {
  uint64_t since = since_ns, took = done_ns;
  if (since != 0 && cpu_ns > since) took += cpu_ns - (since > began_ns ? since : began_ns);
  return took < allowance_ns ? took : allowance_ns;
}
