/*
 * The guard of the worker runtime: loaded in front of an unmodified workerd (LD_PRELOAD), it gives V8 the limits that workerd does not
 * have. docs/worker-limits.md tells what it holds and what it cannot.
 *
 * It starts only where the console said that it may: the program must be the very file whose digest the console found on its list, and
 * every function that is touched must have the expected code. Otherwise it changes nothing and says why in the shared file.
 */
#define EXPORT __attribute__((visibility("default")))

#include "engine.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_the_checked_binary(void) {
  struct stat program;
  return stat("/proc/self/exe", &program) == 0
    && program.st_dev == guard->device && program.st_ino == guard->inode && (uint64_t)program.st_size == guard->size
    && (uint64_t)program.st_mtim.tv_sec * 1000000000u + (uint64_t)program.st_mtim.tv_nsec == guard->modified_ns;
}

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("QUARTERDECK_GUARD_FILE");
  if (!path || !file_open(path)) return;
  if (!is_the_checked_binary()) {
    /* Also said by programs that the sandbox runs before workerd; workerd itself then has the last word. */
    file_off("the program is not the workerd that was checked");
    return;
  }
  if (!engine_check()) return;
  atomic_store(&guard->pid, (uint32_t)getpid());
  if (!turns_install() || !watch_start()) {
    /* Half of it may be in place: better no process than one that is guarded by half. */
    file_off("the guard could not be put in place");
    _exit(70);
  }
  unsetenv("LD_PRELOAD");
  unsetenv("QUARTERDECK_GUARD_FILE");
  atomic_store(&guard->state, GUARD_ACTIVE);
}

/* For the test that compares both sides of the layout: sizes and offsets, in the order that the test knows. */
EXPORT void guard_layout(uint64_t out[16]) {
  const size_t layout[16] = {
    sizeof(struct guard_file), sizeof(struct guard_limits), sizeof(struct guard_slot), offsetof(struct guard_file, trusted),
    offsetof(struct guard_file, symbols), offsetof(struct guard_file, state), offsetof(struct guard_file, current), offsetof(struct guard_file, beat),
    offsetof(struct guard_file, why), offsetof(struct guard_file, reason), offsetof(struct guard_file, standard), offsetof(struct guard_file, limits),
    offsetof(struct guard_file, slots), offsetof(struct guard_slot, key), offsetof(struct guard_slot, turns), offsetof(struct guard_limits, key),
  };
  for (int i = 0; i < 16; i++) out[i] = layout[i];
}
