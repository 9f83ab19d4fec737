/*
 * The file that console and guard share: settings and limits from the console, state from the guard.
 * GuardLayout.cs has the same offsets; a test compares both through guard_layout().
 * One file belongs to one start of one process, so nothing in it has to survive a version change.
 */
#ifndef QUARTERDECK_GUARD_LAYOUT_H
#define QUARTERDECK_GUARD_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#define GUARD_MAGIC 0x3144524155474451ull /* "QDGUARD1" */
#define GUARD_VERSION 1u
#define GUARD_SLOTS 8192u
#define GUARD_LIMITS 16384u
#define GUARD_SYMBOLS 16u
#define GUARD_KEY 64u
#define GUARD_RETIRED 1u

enum guard_state { GUARD_NOT_STARTED = 0, GUARD_ACTIVE = 1, GUARD_OFF = 2 };

/* What one worker version may use. Zero means: no limit. */
struct guard_limits {
  _Atomic uint32_t used; /* 0 free, 1 valid, 2 removed (searching goes on behind it); written last */
  _Atomic uint32_t cpu_ms;
  _Atomic uint32_t startup_ms;
  _Atomic uint32_t cpu_percent;
  _Atomic uint32_t heap_mib;
  _Atomic uint32_t buffers_mib;
  uint32_t pad[2];
  char key[GUARD_KEY];
};

/* One isolate. Counters only grow while the slot belongs to one isolate; generation tells when it got another. */
struct guard_slot {
  _Atomic uint64_t isolate; /* 0: never used; GUARD_RETIRED: gone, its counters can still be read for a while */
  _Atomic uint32_t generation;
  _Atomic uint32_t limited;
  _Atomic uint32_t condemned; /* its memory passed the limit: the console should evict it */
  uint32_t pad0;
  char key[GUARD_KEY]; /* empty until its first module is compiled */
  _Atomic uint64_t turns;
  _Atomic uint64_t busy_ns;
  _Atomic uint64_t longest_ns;
  _Atomic uint64_t cpu_ends;
  _Atomic uint64_t startup_ends;
  _Atomic uint64_t rate_ends;
  _Atomic uint64_t heap_ends;
  _Atomic uint64_t buffer_ends;
  _Atomic uint64_t heap_bytes;
  _Atomic uint64_t buffer_bytes;
  uint64_t pad1[10];
};

struct guard_file {
  /* from the console */
  uint64_t magic;
  uint32_t version;
  uint32_t trusted; /* so many isolates are made before the first that is limited: the console's own */
  uint64_t device, inode, size, modified_ns; /* the binary whose digest the console has checked */
  uint32_t grace_ms; /* after a limit, until the process is given up */
  uint32_t window_ms; /* CPU percent is counted over this */
  uint32_t slack_mib; /* heap that a terminated turn gets for unwinding */
  _Atomic uint32_t limits_changed; /* grows when an entry was added */
  uint64_t symbols[GUARD_SYMBOLS]; /* offsets in the binary, in the order of engine.h */
  /* from the guard */
  _Atomic uint32_t state;
  _Atomic uint32_t pid;
  _Atomic uint32_t slots_used; /* slots beyond were never used */
  _Atomic uint32_t isolates_made;
  _Atomic int32_t current; /* whose code runs now; -1: nobody's */
  _Atomic int32_t culprit; /* for whom the guard gave the process up; -1: for nobody */
  _Atomic uint64_t beat;
  _Atomic uint64_t foreign_turns; /* turns on another thread, which the guard does not count */
  char why[32]; /* of the culprit */
  char reason[128]; /* why the guard is off */
  _Atomic uint32_t collect; /* from the console: grows when isolates were unloaded */
  uint32_t pad0;
  uint64_t pad[2];
  struct guard_limits standard;
  struct guard_limits limits[GUARD_LIMITS];
  struct guard_slot slots[GUARD_SLOTS];
};

_Static_assert(sizeof(struct guard_limits) == 96, "GuardLayout.cs counts on it");
_Static_assert(sizeof(struct guard_slot) == 248, "GuardLayout.cs counts on it");

#endif
