// What objects there are in this process's storage, and when they want to be woken: one more object beside them, so that it survives what they survive.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { gate, keeperOf, Unavailable } from "./gate.js";

const MOST_AT_ONCE = 64, MOST_TRIES = 6, RETRY_MS = 2000, AWAY_MS = 15000;

export const directoryOf = env => env.DIRECTORY.get(env.DIRECTORY.idFromName("directory"));

const host = (env, call) => env.HOST.fetch(`http://host/b/objects/${call}`, { method: "POST", headers: { "x-quarterdeck-worker": `${env.SERIAL}@0` } });

// Why the worker's objects can store no more; null when they can.
async function full(env) {
  const room = await host(env, "room");
  return room.ok ? null : (await room.text()).trim();
}

// What an object asks of its host: its own alarm, and whether there is room.
export class ObjectHost extends WorkerEntrypoint {
  full() { return full(this.env); }
  set(at) { return directoryOf(this.env).setAlarm(this.ctx.props.ns, this.ctx.props.id, at); }
  get() { return directoryOf(this.env).getAlarm(this.ctx.props.ns, this.ctx.props.id); }
}

export class Directory extends DurableObject {
  #sql = this.ctx.storage.sql; #firing = 0; #told = false;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS objects (
      ns TEXT NOT NULL, id TEXT NOT NULL, name TEXT, file TEXT NOT NULL, made INTEGER NOT NULL,
      alarm INTEGER, firing INTEGER, tries INTEGER NOT NULL DEFAULT 0, failure TEXT, PRIMARY KEY (ns, id)) WITHOUT ROWID`);
    this.#sql.exec("CREATE INDEX IF NOT EXISTS by_alarm ON objects (alarm) WHERE alarm IS NOT NULL");
    // What was being woken when the process ended is woken again.
    this.#sql.exec("UPDATE objects SET alarm = COALESCE(alarm, firing), firing = NULL WHERE firing IS NOT NULL");
  }

  async add({ ns, id, name, file }) {
    const why = await full(this.env);
    if (why !== null) throw new Error(why);
    this.#sql.exec("INSERT INTO objects (ns, id, name, file, made) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", ns, id, name ?? null, file, Date.now());
  }

  async setAlarm(ns, id, at) {
    // The console must know before, or it might stop this process for being idle and never start it again.
    if (at !== null && !this.#told) {
      const told = await host(this.env, "wake");
      if (!told.ok) throw new Error((await told.text()).trim());
      this.#told = true;
    }
    this.#sql.exec("UPDATE objects SET alarm = ?, tries = 0 WHERE ns = ? AND id = ?", at, ns, id);
    await this.#schedule();
  }

  getAlarm(ns, id) { return this.#sql.exec("SELECT alarm FROM objects WHERE ns = ? AND id = ?", ns, id).toArray()[0]?.alarm ?? null; }

  // When something is due next; asked after each start, too, so that nothing due is forgotten.
  async next() {
    await this.#schedule();
    return this.#first();
  }

  list(ns, after, limit) {
    return this.#sql.exec("SELECT id, name, file, made, alarm, firing, failure FROM objects WHERE ns = ? AND id > ? ORDER BY id LIMIT ?", ns, after, limit).toArray();
  }

  counts() { return this.#sql.exec("SELECT ns, COUNT(*) AS objects, COUNT(alarm) AS alarms FROM objects GROUP BY ns").toArray(); }

  async remove(ns, id) {
    if (this.#sql.exec("SELECT 1 FROM objects WHERE ns = ? AND id = ?", ns, id).toArray().length === 0) return false;
    await keeperOf(this.env, ns, id).destroy();
    this.#sql.exec("DELETE FROM objects WHERE ns = ? AND id = ?", ns, id);
    return true;
  }

  async alarm() {
    const due = this.#sql.exec("SELECT ns, id, name, alarm, tries FROM objects WHERE alarm <= ? AND firing IS NULL ORDER BY alarm LIMIT ?", Date.now(), Math.max(0, MOST_AT_ONCE - this.#firing)).toArray();
    for (const one of due) {
      this.#sql.exec("UPDATE objects SET firing = alarm, alarm = NULL WHERE ns = ? AND id = ?", one.ns, one.id);
      this.#firing++;
      this.ctx.waitUntil(this.#fire(one));
    }
    await this.#schedule();
  }

  async #fire({ ns, id, name, alarm, tries }) {
    let failure = null, again = null, tried = 0;
    try {
      await gate(this.env, this.ctx).alarm({ serial: this.env.SERIAL, ns, id, name: name ?? undefined }, { retryCount: tries, isRetry: tries > 0, scheduledTime: alarm });
    } catch (error) {
      failure = String(error?.message ?? error).slice(0, 500);
      const away = error instanceof Unavailable;
      tried = away ? tries : tries + 1;
      if (away) again = Date.now() + AWAY_MS;
      else if (tried <= MOST_TRIES) again = Date.now() + RETRY_MS * 2 ** tries;
    } finally { this.#firing--; }
    // An alarm that it set itself meanwhile counts more than the retry of this one.
    this.#sql.exec("UPDATE objects SET firing = NULL, failure = ?, tries = CASE WHEN alarm IS NULL AND ? IS NOT NULL THEN ? ELSE 0 END, alarm = COALESCE(alarm, ?) WHERE ns = ? AND id = ?", failure, again, tried, again, ns, id);
    await this.#schedule();
  }

  async #schedule() {
    const at = this.#first();
    if (at === null) await this.ctx.storage.deleteAlarm();
    // Full hands: whoever is done looks again.
    else if (this.#firing < MOST_AT_ONCE) await this.ctx.storage.setAlarm(Math.max(at, Date.now()));
  }

  #first() { return this.#sql.exec("SELECT MIN(alarm) AS at FROM objects WHERE firing IS NULL").one().at; }
}
