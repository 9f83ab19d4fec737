/*
 * Heap and memory outside it. Array buffers beyond the limit are refused; a heap at its limit ends the turn. Whoever was at a limit is
 * condemned: the isolate may hold on to what it filled, and the console evicts it.
 */
#include "engine.h"

#include <string.h>

enum { LOOK_EVERY_NS = 5000000, CRITICAL = 2, MOST_HEAP_ENDS = 3, LEAP_MIB = 256, LOOK_EVERY_BYTES = 1 << 20 };
static const uint64_t mib = 1u << 20;

static struct {
  uint64_t looked_ns;
  uint64_t asked_bytes; /* array buffers since the last look */
  uint64_t counted_turn; /* one turn counts once, however often it asks */
} memory[GUARD_SLOTS];

static uint64_t read_memory(isolate *of, int slot) {
  struct heap_statistics now;
  memset(&now, 0, sizeof now);
  engine.heap_statistics(of, &now);
  memory[slot].asked_bytes = 0;
  guard->slots[slot].heap_bytes = now.field[HEAP_USED];
  guard->slots[slot].buffer_bytes = now.field[HEAP_EXTERNAL];
  return now.field[HEAP_EXTERNAL];
}

/* What is left when garbage is collected, which array buffers often wait for. */
static uint64_t collect(isolate *of, int slot) {
  engine.memory_pressure(of, CRITICAL);
  return read_memory(of, slot);
}

static void condemn(int slot) {
  guard->slots[slot].condemned = 1;
  if (memory[slot].counted_turn == turn_sequence) return;
  memory[slot].counted_turn = turn_sequence;
  guard->slots[slot].buffer_ends++;
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
  if (++mine->heap_ends > MOST_HEAP_ENDS) give_up(slot, "heap far beyond its limit");
  engine.terminate((isolate *)(uintptr_t)mine->isolate);
  return limit_now + slack;
}

void memory_limit(isolate *of, int slot) {
  memset(&memory[slot], 0, sizeof memory[slot]);
  engine.near_heap_limit(of, on_near_heap_limit, (void *)(intptr_t)slot);
}

bool memory_allows(isolate *of, int slot, size_t bytes) {
  uint64_t allowed = slot_limits(slot)->buffers_mib * mib;
  if (allowed == 0) return true;
  memory[slot].asked_bytes += bytes;
  if (memory[slot].asked_bytes < LOOK_EVERY_BYTES && guard->slots[slot].buffer_bytes + memory[slot].asked_bytes <= allowed) return true;
  if (read_memory(of, slot) + bytes <= allowed) return true;
  if (bytes <= allowed && collect(of, slot) + bytes <= allowed) return true;
  condemn(slot);
  return false;
}

/*
 * Memory outside the heap that is no plain array buffer (WebAssembly, buffers that grow, copies by structuredClone) is only looked at:
 * in a long turn when V8 calls this, which the watching thread asked for, and after turns.
 */
static bool beyond_limit(isolate *of, int slot) {
  uint64_t allowed = slot_limits(slot)->buffers_mib * mib;
  uint64_t now = read_memory(of, slot);
  if (allowed == 0 || now <= allowed || !guard->slots[slot].limited) return false;
  if (guard->slots[slot].condemned && now > allowed + LEAP_MIB * mib) give_up(slot, "buffers far beyond their limit");
  if (collect(of, slot) <= allowed) return false;
  condemn(slot);
  return true;
}

/*
 * An isolate that was unloaded goes when the dispatcher's own isolate, which knows it by name, collects its garbage. By itself that
 * does so too seldom: ten thousand workers loaded one after the other filled a process of which most could have been empty.
 */
void memory_unload(isolate *of) {
  static uint32_t done;
  uint32_t asked = guard->collect;
  if (done == asked) return;
  done = asked;
  engine.memory_pressure(of, CRITICAL);
}

void memory_on_interrupt(isolate *of, void *unused) {
  (void)unused;
  int slot = slot_find(of);
  if (slot >= 0 && beyond_limit(of, slot)) engine.terminate(of);
}

void memory_look(isolate *of, int slot, uint64_t now_ns) {
  if (now_ns - memory[slot].looked_ns < LOOK_EVERY_NS) return;
  memory[slot].looked_ns = now_ns;
  beyond_limit(of, slot);
}
