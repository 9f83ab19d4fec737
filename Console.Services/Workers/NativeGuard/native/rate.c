/*
 * CPU rate: each isolate has an account that fills with its share of a core, up to what one window gives. A turn takes from it what
 * it used; while the account is overdrawn, turns are ended at their first step.
 */
#include "guard.h"

static struct {
  int64_t left_ns;
  uint64_t filled_ns;
  uint32_t percent;
} accounts[GUARD_SLOTS];

static int64_t share(uint64_t time_ns, uint32_t percent) { return (int64_t)(time_ns / 100 * percent); }

void rate_start(int slot) { accounts[slot].percent = 0; }

static void fill(int slot, uint64_t now_ns) {
  uint32_t percent = slot_limits(slot)->cpu_percent;
  int64_t most = share((uint64_t)guard->window_ms * 1000000u, percent);
  if (accounts[slot].percent != percent) { /* new, or the console changed the limit */
    accounts[slot].left_ns = most;
    accounts[slot].percent = percent;
  } else {
    accounts[slot].left_ns += share(now_ns - accounts[slot].filled_ns, percent);
    if (accounts[slot].left_ns > most) accounts[slot].left_ns = most;
  }
  accounts[slot].filled_ns = now_ns;
}

void rate_charge(int slot, uint64_t used_ns) { accounts[slot].left_ns -= (int64_t)used_ns; }

bool rate_exhausted(int slot, uint64_t now_ns) {
  if (slot_limits(slot)->cpu_percent == 0) return false;
  fill(slot, now_ns);
  return accounts[slot].left_ns < 0;
}
