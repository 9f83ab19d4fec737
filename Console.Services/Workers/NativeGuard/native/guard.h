/* What the parts of the guard tell each other. Everything about V8 is in engine.h. */
#ifndef QUARTERDECK_GUARD_H
#define QUARTERDECK_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

typedef void isolate; /* v8::Isolate, never looked into */

extern struct guard_file *guard;

/* file.c */
bool file_open(const char *path);
void file_off(const char *format, ...) __attribute__((format(printf, 1, 2)));
void give_up(int slot, const char *why) __attribute__((noreturn));

/* slots.c: every call takes the lock except slot_limits */
void slots_lock(void);
void slots_unlock(void);
int slot_claim(const isolate *of);
int slot_find(const isolate *of);
void slot_release(const isolate *of);
void slot_name(int slot, const char *script);
const struct guard_limits *slot_limits(int slot);
void slots_refresh_limits(void);

/* turns.c: what the watching thread has to know about the turn that runs */
struct turn {
  uint64_t sequence; /* odd while one runs */
  isolate *of;
  int slot;
  bool starting;
};
struct turn turn_running(void);
bool turns_install(void);
extern _Atomic uint32_t turns_begun; /* a futex: grows with each turn while the watching thread sleeps */
extern _Atomic bool watch_sleeps;

/* memory.c */
void memory_limit(isolate *of, int slot);
void memory_sample(isolate *of, int slot);
void memory_on_interrupt(isolate *of, void *unused);

/* watch.c */
bool watch_start(void);
uint64_t watch_cpu_of_turn(uint64_t sequence, uint64_t began_ns, uint64_t ended_ns);

uint64_t clock_ns(int clock);

#endif
