/* Heap and memory outside it. A turn over its limit is ended; the console then evicts the isolate, which may hold on to what it filled. */
#include "engine.h"

#include <string.h>

enum { LOOK_EVERY_NS = 5000000, CRITICAL = 2, MOST_HEAP_ENDS = 3, LEAP_MIB = 256 };
static const uint64_t mib = 1u << 20;
static uint64_t looked_ns[GUARD_SLOTS];
static uint64_t ended_sequence; /* the last turn that was ended here: native code may go on in it, and is asked again */

static uint64_t read_memory(isolate *of, struct guard_slot *slot) {
  struct heap_statistics now;
  memset(&now, 0, sizeof now);
  engine.heap_statistics(of, &now);
  slot->heap_bytes = now.field[HEAP_USED];
  slot->buffer_bytes = now.field[HEAP_EXTERNAL];
  return now.field[HEAP_EXTERNAL];
}

/*
 * V8 calls this when collecting garbage did not help and its own limit is near. Below the worker's limit V8's is raised to it. At the
 * limit the turn is ended and gets some slack to unwind; whoever comes here again and again takes the process along otherwise.
 */
static size_t on_near_heap_limit(void *data, size_t limit_now, size_t limit_at_start) {
  (void)limit_at_start;
  int slot = (int)(intptr_t)data;
  struct guard_slot *mine = &guard->slots[slot];
  size_t slack = guard->slack_mib * mib;
  if (!mine->limited) return limit_now + slack; /* our own code */
  size_t allowed = slot_limits(slot)->heap_mib * mib;
  if (allowed == 0) return limit_now * 2;
  if (limit_now < allowed) return allowed;
  mine->condemned = 1;
  if (++mine->heap_ends > MOST_HEAP_ENDS) give_up(slot, "the heap grows on beyond its limit");
  engine.terminate((isolate *)(uintptr_t)mine->isolate);
  return limit_now + slack;
}

void memory_limit(isolate *of, int slot) {
  looked_ns[slot] = 0;
  engine.near_heap_limit(of, on_near_heap_limit, (void *)(intptr_t)slot);
}

/* V8 asks us at a point where a long turn may be looked into. Here garbage may be collected, which array buffers often wait for. */
void memory_on_interrupt(isolate *of, void *unused) {
  (void)unused;
  int slot = slot_find(of);
  if (slot < 0) return;
  struct guard_slot *mine = &guard->slots[slot];
  uint64_t allowed = slot_limits(slot)->buffers_mib * mib;
  if (read_memory(of, mine) <= allowed || allowed == 0 || !mine->limited) return;
  engine.memory_pressure(of, CRITICAL);
  uint64_t left = read_memory(of, mine);
  if (left <= allowed) return;
  if (left > allowed + LEAP_MIB * mib && mine->condemned) give_up(slot, "memory outside the heap grows on beyond its limit");
  mine->condemned = 1;
  if (ended_sequence != turn_sequence) mine->buffer_ends++;
  ended_sequence = turn_sequence;
  engine.terminate(of);
}

/*
 * Whether this turn is to be ended at its first step: what is asked for in an interrupt comes too late for a turn that awaits right
 * after it, and is forgotten then. Four turns in a row, since not every turn runs JavaScript; the next four are let through, and with
 * them the console's call to evict the isolate.
 */
bool memory_full(int slot) {
  const struct guard_slot *mine = &guard->slots[slot];
  uint64_t allowed = slot_limits(slot)->buffers_mib * mib;
  return mine->condemned && allowed != 0 && mine->buffer_bytes > allowed && mine->turns / 4 % 2 == 0;
}

/* After a turn: memory may also grow by many short ones. */
void memory_look(isolate *of, int slot, uint64_t now_ns) {
  if (now_ns - looked_ns[slot] < LOOK_EVERY_NS) return;
  looked_ns[slot] = now_ns;
  uint64_t allowed = slot_limits(slot)->buffers_mib * mib;
  /* Over the limit: the next turn is interrupted at its first step, where garbage may be collected before judging. */
  if (read_memory(of, &guard->slots[slot]) > allowed && allowed != 0) engine.interrupt(of, memory_on_interrupt, NULL);
}
