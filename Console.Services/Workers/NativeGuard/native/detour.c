/*
 * Puts a stand-in in front of a function: its first bytes become a jump to a page near the code, which goes on to the stand-in. The
 * bytes that were there are kept on that page, followed by a jump back behind them: that is how the stand-in calls the original.
 */
#include "engine.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { JUMP = 5, FAR_JUMP = 14, ENTRY = 48, PAGE = 4096 };

static unsigned char *nearby;
static size_t nearby_used;

/* A jump reaches 2 GiB; below the program there is nothing but its own addresses' gap. */
static bool map_nearby(uintptr_t program) {
  for (uintptr_t distance = 1u << 20; distance < 1u << 30; distance += 1u << 20) {
    void *at = mmap((void *)((program & ~(uintptr_t)(PAGE - 1)) - distance), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) continue;
    nearby = at;
    return true;
  }
  return false;
}

static size_t far_jump(unsigned char *at, const void *to) {
  static const unsigned char jump_by_following_address[6] = {0xff, 0x25, 0, 0, 0, 0};
  memcpy(at, jump_by_following_address, 6);
  memcpy(at + 6, &to, sizeof to);
  return FAR_JUMP;
}

bool detour(enum engine_symbol symbol, void *stand_in, void **call_original) {
  unsigned char *at = engine_address(symbol);
  size_t movable = engine_movable(symbol);
  if (!nearby && !map_nearby((uintptr_t)engine_address(SYMBOL_NEW))) return false;
  if (movable < JUMP || nearby_used + ENTRY > PAGE) return false;

  /* Never writable and executable at once; no other thread runs yet. */
  if (mprotect(nearby, PAGE, PROT_READ | PROT_WRITE) != 0) return false;
  unsigned char *entry = nearby + nearby_used;
  nearby_used += ENTRY;
  unsigned char *kept = entry + far_jump(entry, stand_in);
  memcpy(kept, at, movable);
  far_jump(kept + movable, at + movable);
  if (mprotect(nearby, PAGE, PROT_READ | PROT_EXEC) != 0) return false;
  *call_original = kept;

  unsigned char *page = (unsigned char *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));
  if (mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE) != 0) return false;
  int32_t distance = (int32_t)(entry - (at + JUMP));
  at[0] = 0xe9;
  memcpy(at + 1, &distance, sizeof distance);
  return mprotect(page, 2 * PAGE, PROT_READ | PROT_EXEC) == 0;
}
