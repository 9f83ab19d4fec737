/* The shared file, and what the guard says in it. */
#include "guard.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct guard_file *guard;

bool file_open(const char *path) {
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  struct stat found;
  void *at = fstat(file, &found) == 0 && found.st_size == (off_t)sizeof *guard
    ? mmap(NULL, sizeof *guard, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  close(file);
  if (at == MAP_FAILED) return false;
  guard = at;
  return guard->magic == GUARD_MAGIC && guard->version == GUARD_VERSION;
}

void file_off(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(guard->reason, sizeof guard->reason, format, values);
  va_end(values);
  atomic_store(&guard->state, GUARD_OFF);
}

/* The process cannot be saved: native code does not look at the termination flag, or memory grows on. Its end is put on the culprit. */
void give_up(int slot, const char *why) {
  snprintf(guard->why, sizeof guard->why, "%s", why);
  atomic_store(&guard->culprit, slot);
  fprintf(stderr, "guard: giving the process up because of %s: %s\n", slot < 0 ? "nobody" : guard->slots[slot].key, why);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
