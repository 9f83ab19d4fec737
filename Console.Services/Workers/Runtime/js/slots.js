// What this process knows of each version it was asked for.
import { load } from "./load.js";

const slots = new Map();
const KEY = /^[0-9]{1,18}@[0-9]{1,9}(\+tail)?$/;

export const all = () => slots.values();
export const forget = key => slots.delete(key);

// A slot by its key (serial@version, then +tail while somebody watches); null when the key is none.
export function slotOf(key) {
  const known = slots.get(key);
  if (known !== undefined) return known;
  if (key === null || !KEY.test(key)) return null;
  const slot = {
    key, name: key, attempt: 0, open: false, used: 0, live: 0, loads: 0, loadMs: 0,
    failure: null, retryAt: 0,
    subrequests: 50, concurrent: 6, credit: 50, busy: 0, waiting: [],
    loader: unexpected,
  };
  slots.set(key, slot);
  return slot;
}

// The loader calls back only for a name that it does not have: after an eviction of which nobody told us.
function unexpected() { throw new Error("The isolate has gone; the next request loads it again."); }

export class LoadError extends Error {}

// Loads the version, or says why it cannot be loaded. A failed load stays in the loader's cache under its name for ever, so the next attempt takes another one.
export async function open(slot, env, ctx) {
  const now = Date.now();
  if (slot.failure !== null && now < slot.retryAt) throw new LoadError(slot.failure);
  const stub = env.LOADER.get(slot.name, () => load(slot, env, ctx));
  const name = slot.name;
  try {
    await stub.getEntrypoint("__host").fetch("http://host/ready");
  } catch (error) {
    if (slot.name === name) slot.name = `${slot.key}~${++slot.attempt}`;
    slot.failure = String(error?.message ?? error);
    slot.retryAt = Date.now() + Math.min(5000, 100 << Math.min(slot.attempt, 6));
    throw new LoadError(slot.failure);
  }
  slot.failure = null;
  slot.open = true;
  return stub.getEntrypoint();
}

// A version's first request goes straight in and brings the code along: to ask before whether it is there would cost a round of its own.
export async function first(slot, env, ctx, request) {
  if (slot.failure !== null && Date.now() < slot.retryAt) throw new LoadError(slot.failure);
  const name = slot.name, stub = env.LOADER.get(name, () => load(slot, env, ctx));
  try {
    const response = await stub.getEntrypoint().fetch(request);
    if (slot.name === name) [slot.open, slot.failure] = [true, null];
    return response;
  } catch (error) {
    if (!EVICTED.test(String(error?.message ?? error))) await open(slot, env, ctx); // which tells when it cannot be loaded
    throw error;
  }
}

const EVICTED = /has gone;|evicted by the host|isolate was aborted/i;

const SAYINGS = {
  load: "The worker could not be loaded.\n", evicted: "The worker was unloaded.\n", limit: "The worker reached a limit and was ended.\n", exception: "The worker failed.\n",
};

// The answer to a request that its worker did not answer. The front reads the outcome and strips it.
export async function failed(slot, env, error) {
  const text = String(error?.message ?? error);
  let outcome = "exception";
  if (error instanceof LoadError) outcome = "load";
  else if (EVICTED.test(text) && await gone(slot, env)) outcome = "evicted";
  // workerd knows nothing of the guard: for it a turn that was ended from outside is an error of its own.
  else if (/^internal error|exceeded (its )?cpu|terminated|memory limit/i.test(text)) outcome = "limit";
  return new Response(SAYINGS[outcome], {
    status: outcome === "load" || outcome === "evicted" ? 503 : 500,
    headers: { "x-quarterdeck-outcome": outcome, "x-quarterdeck-error": encodeURIComponent(text.slice(0, 600)) },
  });
}

// Whether the isolate has really ended: its worker may throw whatever words it likes.
async function gone(slot, env) {
  const name = slot.name;
  try {
    await env.LOADER.get(name, slot.loader).getEntrypoint("__host").fetch("http://host/ready");
    return false;
  } catch {
    if (slot.name === name) reopen(slot);
    return true;
  }
}

// The isolate is gone: the next request loads the version anew.
export function reopen(slot) {
  slot.open = false;
  slot.name = `${slot.key}~${++slot.attempt}`;
}
