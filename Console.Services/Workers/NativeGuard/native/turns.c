/*
 * Counts turns: from the moment that an isolate is entered until it is left (or another is entered from within), nothing else runs on
 * the thread. These functions stand in front of V8's and run at every turn, so they are short: no system call, no lock.
 */
#include "engine.h"

#include <pthread.h>
#include <string.h>

_Atomic uint64_t turn_sequence;
_Atomic(isolate *) turn_isolate;
_Atomic bool turn_starts;

enum { DEEPEST = 64 };
static struct {
  isolate *of;
  int slot;
} entered[DEEPEST];
static int depth;
static uint64_t began_ns;
static pthread_t main_thread;
static _Thread_local bool compiled_once; /* the module that this thread compiled last is a worker's */

bool on_main_thread(void) { return pthread_equal(pthread_self(), main_thread); }

static void begin(isolate *of, int slot) {
  began_ns = clock_ns(CLOCK_MONOTONIC);
  collect_turn();
  atomic_store_explicit(&guard->current, slot, memory_order_relaxed);
  atomic_store_explicit(&turn_isolate, of, memory_order_relaxed);
  atomic_fetch_add(&turn_sequence, 1);
  watch_wake();
  if (slot >= 0 && guard->slots[slot].limited && rate_exhausted(slot, began_ns)) {
    guard->slots[slot].rate_ends++;
    engine.terminate(of);
  }
}

static void end(isolate *of, int slot) {
  uint64_t now = clock_ns(CLOCK_MONOTONIC);
  if (slot >= 0) {
    struct guard_slot *mine = &guard->slots[slot];
    uint64_t used = watch_cpu_of(turn_sequence, began_ns, now);
    mine->turns++;
    mine->busy_ns += used;
    if (used > mine->longest_ns) mine->longest_ns = used;
    if (mine->limited) {
      rate_charge(slot, used);
      memory_look(of, slot, now);
    } else if (!mine->key[0]) memory_unload(of);
  }
  atomic_store_explicit(&turn_starts, false, memory_order_relaxed);
  atomic_store_explicit(&turn_isolate, NULL, memory_order_relaxed);
  atomic_store_explicit(&guard->current, -1, memory_order_relaxed);
  atomic_fetch_add(&turn_sequence, 1);
}

static void stand_in_enter(isolate *of) {
  original.enter(of);
  if (!on_main_thread()) {
    guard->foreign_turns++;
    return;
  }
  int outer = depth - 1;
  if (depth++ >= DEEPEST) return;
  if (outer >= 0 && entered[outer].of == of) {
    entered[depth - 1] = entered[outer];
    return; /* the turn goes on */
  }
  if (outer >= 0) end(entered[outer].of, entered[outer].slot);
  entered[depth - 1].of = of;
  entered[depth - 1].slot = slot_find(of);
  begin(of, entered[depth - 1].slot);
}

static void stand_in_exit(isolate *of) {
  if (on_main_thread() && depth > 0 && --depth < DEEPEST) {
    int outer = depth - 1;
    if (outer < 0 || entered[outer].of != of) {
      end(of, entered[depth].slot);
      if (outer >= 0) begin(entered[outer].of, entered[outer].slot);
    }
  }
  original.leave(of);
}

static isolate *stand_in_new(void *group, void *parameters) {
  isolate *made = original.make(group, parameters);
  int slot = slot_claim(made);
  if (slot >= 0) {
    rate_start(slot);
    memory_limit(made, slot);
    collect_follow(made);
  }
  return made;
}

static void stand_in_dispose(isolate *of) {
  slot_release(of);
  original.dispose(of);
}

/*
 * A worker's first module tells whose isolate this is, before any of its code runs. The name comes from the loader, not from the
 * code: what a script calls itself (sourceURL) does not matter here.
 */
static void *stand_in_compile_module(isolate *of, void *source, int options, int reason) {
  int slot = slot_find(of);
  const void *name = source ? ((void **)source)[1] : NULL; /* Source: source_string, resource_name, ... */
  compiled_once = false;
  if (slot >= 0 && name) {
    char script[256];
    size_t length = engine.write_utf8(name, of, script, sizeof script - 1, 0, NULL);
    script[length < sizeof script ? length : sizeof script - 1] = 0;
    const char *key = script_key(script, &length);
    compiled_once = key != NULL;
    if (key && !guard->slots[slot].key[0]) {
      slot_name(slot, key, length);
      if (on_main_thread()) atomic_store(&turn_starts, true);
    }
  }
  return original.compile_module(of, source, options, reason);
}

/*
 * workerd asks for the compiled form of each module it compiles, for the next isolate that has the same. Of the runtime's own modules
 * there is a next one, of a worker's there is not: making it takes a part of each cold start and, for good, 120 KB in the isolate.
 */
static void *stand_in_code_cache(void *script) { return compiled_once ? NULL : original.code_cache(script); }

/*
 * JavaScript that asks for more than its worker may have gets a RangeError. Only JavaScript: what V8 or workerd allocate by themselves
 * they count on getting, and end the process otherwise.
 */
static void *stand_in_allocate_buffer(void **store, isolate *of, size_t bytes, int shared, int initialized) {
  if (engine_constructs_buffer(__builtin_return_address(0)) && on_main_thread()) {
    int slot = slot_find(of);
    if (slot >= 0 && guard->slots[slot].limited && !memory_allows(of, slot, bytes)) {
      *store = NULL;
      return store;
    }
  }
  return original.allocate_buffer(store, of, bytes, shared, initialized);
}

bool turns_install(void) {
  main_thread = pthread_self();
  return detour(SYMBOL_NEW, stand_in_new, (void **)&original.make)
    && detour(SYMBOL_DISPOSE, stand_in_dispose, (void **)&original.dispose)
    && detour(SYMBOL_ENTER, stand_in_enter, (void **)&original.enter)
    && detour(SYMBOL_EXIT, stand_in_exit, (void **)&original.leave)
    && detour(SYMBOL_COMPILE_MODULE, stand_in_compile_module, (void **)&original.compile_module)
    && detour(SYMBOL_CODE_CACHE, stand_in_code_cache, (void **)&original.code_cache)
    && detour(SYMBOL_ALLOCATE_BUFFER, stand_in_allocate_buffer, (void **)&original.allocate_buffer);
}
