/* Which isolate is whose, and what it may use. */
#include "guard.h"

#include <string.h>

/* Isolates by address, open addressing. Searched at every turn without the lock, by the thread that alone changes it. */
enum { BUCKETS = 4 * GUARD_SLOTS };
static struct {
  const isolate *of;
  int slot;
} buckets[BUCKETS];
/* Slots of isolates that are gone, in the order they went: each rests until the console has surely read its counters. */
enum { REST = 256 };
static int retired[GUARD_SLOTS];
static unsigned retired_first, retired_count;
static _Atomic(const struct guard_limits *) limits_of[GUARD_SLOTS];
static atomic_flag lock = ATOMIC_FLAG_INIT;

void slots_lock(void) {
  while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) __builtin_ia32_pause();
}

void slots_unlock(void) { atomic_flag_clear_explicit(&lock, memory_order_release); }

static unsigned home(const isolate *of) { return (unsigned)(((uintptr_t)of >> 12) * 2654435761u) % BUCKETS; }

static unsigned bucket_of(const isolate *of) {
  unsigned at = home(of);
  while (buckets[at].of && buckets[at].of != of) at = (at + 1) % BUCKETS;
  return at;
}

int slot_find(const isolate *of) {
  unsigned at = bucket_of(of);
  return buckets[at].of ? buckets[at].slot : -1;
}

int slot_claim(const isolate *of) {
  slot_release(of); /* an address that was used before without our hearing of its end */
  slots_lock();
  int slot = -1;
  if (retired_count > REST || (retired_count > 0 && guard->slots_used == GUARD_SLOTS)) {
    slot = retired[retired_first];
    retired_first = (retired_first + 1) % GUARD_SLOTS;
    retired_count--;
  } else if (guard->slots_used < GUARD_SLOTS) {
    slot = (int)guard->slots_used;
  }
  if (slot >= 0) {
    struct guard_slot *fresh = &guard->slots[slot];
    uint32_t generation = fresh->generation;
    memset(fresh, 0, sizeof *fresh);
    fresh->generation = generation + 1;
    fresh->limited = atomic_fetch_add(&guard->isolates_made, 1) >= guard->trusted;
    limits_of[slot] = &guard->standard;
    unsigned at = bucket_of(of);
    buckets[at].of = of;
    buckets[at].slot = slot;
    atomic_store(&fresh->isolate, (uintptr_t)of);
    if ((uint32_t)slot == guard->slots_used) guard->slots_used++;
  }
  slots_unlock();
  return slot;
}

void slot_release(const isolate *of) {
  slots_lock();
  unsigned at = bucket_of(of);
  if (buckets[at].of) {
    atomic_store(&guard->slots[buckets[at].slot].isolate, GUARD_RETIRED);
    retired[(retired_first + retired_count++) % GUARD_SLOTS] = buckets[at].slot;
    /* Close the gap, so that no search ends too early: move back whatever may stand in it. */
    for (unsigned next = (at + 1) % BUCKETS; buckets[next].of; next = (next + 1) % BUCKETS) {
      unsigned wanted = home(buckets[next].of);
      if ((next - wanted + BUCKETS) % BUCKETS < (next - at + BUCKETS) % BUCKETS) continue;
      buckets[at] = buckets[next];
      at = next;
    }
    buckets[at].of = NULL;
  }
  slots_unlock();
}

/* The key's entry in the table that the console writes; the loader's suffixes ~attempt and +tail are not part of it. */
static const struct guard_limits *look_up(const char *key) {
  size_t length = strcspn(key, "~+");
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)key[i]) * 16777619u;
  for (uint32_t i = 0; i < GUARD_LIMITS; i++) {
    const struct guard_limits *entry = &guard->limits[(hash + i) % GUARD_LIMITS];
    uint32_t used = atomic_load(&entry->used);
    if (used == 0) break;
    if (used == 1 && strncmp(entry->key, key, length) == 0 && entry->key[length] == 0) return entry;
  }
  return &guard->standard;
}

/* Scripts of workers are named t/KEY/module, with file:///bundle/ in front in newer module registries. */
const char *script_key(const char *script, size_t *length) {
  static const char bundle[] = "file:///bundle/";
  if (strncmp(script, bundle, sizeof bundle - 1) == 0) script += sizeof bundle - 1;
  if (script[0] != 't' || script[1] != '/') return NULL;
  *length = strcspn(script + 2, "/");
  return script[2 + *length] == '/' && *length > 0 && *length < GUARD_KEY ? script + 2 : NULL;
}

void slot_name(int slot, const char *key, size_t length) {
  struct guard_slot *named = &guard->slots[slot];
  memcpy(named->key, key, length);
  named->limited = 1;
  limits_of[slot] = look_up(named->key);
}

const struct guard_limits *slot_limits(int slot) { return limits_of[slot]; }

/* The console added or removed entries. Values of an entry need no refreshing: they are read where they are. */
void slots_refresh(void) {
  slots_lock();
  for (uint32_t i = 0; i < guard->slots_used; i++)
    if (guard->slots[i].isolate > GUARD_RETIRED && guard->slots[i].key[0]) limits_of[i] = look_up(guard->slots[i].key);
  slots_unlock();
}
