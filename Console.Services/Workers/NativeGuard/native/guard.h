/* What the parts of the guard tell each other. Everything about V8 is in engine.h. */
#ifndef QUARTERDECK_GUARD_H
#define QUARTERDECK_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "layout.h"

typedef void isolate; /* v8::Isolate, never looked into */

extern struct guard_file *guard;

/* file.c */
bool file_open(const char *path);
void file_off(const char *format, ...) __attribute__((format(printf, 1, 2)));
void give_up(int slot, const char *why) __attribute__((noreturn));

/* slots.c. slot_claim, slot_release and slots_refresh take the lock; whoever calls into an isolate from another thread holds it. */
void slots_lock(void);
void slots_unlock(void);
int slot_claim(const isolate *of);
int slot_find(const isolate *of);
void slot_release(const isolate *of);
/* The worker whose module has this name, not ended by a zero; null for a module of the runtime's. */
const char *script_key(const char *script, size_t *length);
void slot_name(int slot, const char *key, size_t length);
const struct guard_limits *slot_limits(int slot);
void slots_refresh(void);

/* rate.c: CPU over a window, by isolate; on the thread that runs JavaScript only */
void rate_start(int slot);
void rate_charge(int slot, uint64_t used_ns);
bool rate_exhausted(int slot, uint64_t now_ns);

/* collect.c: garbage collections. Follow every isolate; a turn begins; what does not count of the CPU from a time on (both of the main thread's clock). */
void collect_follow(isolate *made);
void collect_turn(void);
uint64_t collect_forgiven(uint64_t began_ns, uint64_t cpu_ns);

/* turns.c: what the watching thread has to know about the turn that runs */
bool turns_install(void);
bool on_main_thread(void);
extern _Atomic uint64_t turn_sequence; /* grows at each begin and end */
extern _Atomic(isolate *) turn_isolate; /* null between turns */
extern _Atomic bool turn_starts; /* this turn compiles the worker's modules */

/* memory.c */
void memory_limit(isolate *of, int slot);
void memory_look(isolate *of, int slot, uint64_t now_ns);
/* After a turn of the console's own code. */
void memory_unload(isolate *of);
void memory_on_interrupt(isolate *of, void *unused);
/* Whether JavaScript may have another array buffer. */
bool memory_allows(isolate *of, int slot, size_t bytes);

/* watch.c */
bool watch_start(void);
void watch_wake(void);
/* CPU of the turn that ends now, for one that was long enough to be watched; else the time that went by. */
uint64_t watch_cpu_of(uint64_t sequence, uint64_t began_ns, uint64_t ended_ns);

uint64_t clock_ns(clockid_t clock);

#endif
