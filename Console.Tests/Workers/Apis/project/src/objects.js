import { DurableObject } from "cloudflare:workers";

// The class that the checks of durable objects are made on.
export class Room extends DurableObject {
  #woken = 0;

  constructor(ctx, env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => { this.ready = true; });
  }

  async fetch(request) {
    if (request.headers.get("upgrade") === "websocket") {
      const [client, server] = Object.values(new WebSocketPair());
      this.ctx.acceptWebSocket(server, ["talker"]);
      server.serializeAttachment({ said: 0 });
      return new Response(null, { status: 101, webSocket: client });
    }
    return new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
  }

  webSocketMessage(socket, message) {
    const { said } = socket.deserializeAttachment();
    socket.serializeAttachment({ said: said + 1 });
    socket.send(`${message} ${said + 1} of ${this.ctx.getWebSockets("talker").length}`);
  }

  async alarm() {
    await this.ctx.storage.put("rang", true);
  }

  about() { return [this.ctx.id.toString().length, this.ctx.id.name ?? null, this.env.TEXT, this.ready]; }
  woken() { return ++this.#woken; }

  async storage(run) {
    const { storage } = this.ctx, { sql } = storage;
    switch (run) {
      case "kv": {
        await storage.put("a", { deep: new Date("2026-01-01") });
        await storage.put({ b: 1, c: 2 });
        const got = [(await storage.get("a")).deep.toISOString(), [...await storage.get(["b", "none"])], [...(await storage.list({ prefix: "b" })).keys()], await storage.delete("b"), await storage.get("b") ?? null];
        await storage.delete(["a", "c"]);
        return got;
      }
      case "list":
        await storage.put({ "l1": 1, "l2": 2, "l3": 3 });
        return [[...(await storage.list({ start: "l2", end: "l4" })).values()], [...(await storage.list({ prefix: "l", reverse: true, limit: 1 })).keys()]];
      case "sync":
        storage.kv.put("s", [1]);
        return [storage.kv.get("s"), [...storage.kv.list({ prefix: "s" })], storage.kv.delete("s")];
      case "sql":
        sql.exec("CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, name TEXT); DELETE FROM people");
        sql.exec("INSERT INTO people (name) VALUES (?), (?)", "ada", "bob");
        return [sql.exec("SELECT name FROM people ORDER BY id").toArray(), sql.exec("SELECT COUNT(*) AS n FROM people").one().n, sql.exec("SELECT id FROM people").columnNames, [...sql.exec("SELECT name FROM people ORDER BY id").raw()], sql.databaseSize > 0];
      case "sync transaction": {
        sql.exec("CREATE TABLE IF NOT EXISTS t (n INTEGER); DELETE FROM t");
        try { storage.transactionSync(() => { sql.exec("INSERT INTO t VALUES (1)"); throw new Error("back"); }); } catch { /* as wanted */ }
        storage.transactionSync(() => sql.exec("INSERT INTO t VALUES (2)"));
        return sql.exec("SELECT n FROM t").toArray();
      }
      case "transaction":
        try { await storage.transaction(async part => { await part.put("t", 1); throw new Error("back"); }); } catch { /* as wanted */ }
        await storage.transaction(async part => { await part.put("t2", 2); });
        return [await storage.get("t") ?? null, await storage.get("t2")];
      case "alarm": {
        await storage.setAlarm(Date.now() + 3600e3);
        const far = await storage.getAlarm() > Date.now();
        await storage.deleteAlarm();
        return [far, await storage.getAlarm()];
      }
      case "ring":
        await storage.delete("rang");
        return storage.setAlarm(Date.now());
      case "rang":
        return await storage.get("rang") ?? false;
      case "all":
        await storage.put("left", 1);
        await storage.deleteAll();
        return (await storage.list()).size;
    }
  }

  fail() { throw new RangeError("from the object"); }
}
