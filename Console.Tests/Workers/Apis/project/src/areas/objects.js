import { area, thrown } from "../check.js";

const check = area("Durable Objects", "../durable-objects/api/namespace/");
check("idFromName(), idFromString(), newUniqueId(), equals()", [true, true, 64, true], (r, { ROOM }) => {
  const id = ROOM.idFromName("a");
  return [id.equals(ROOM.idFromName("a")), ROOM.idFromString(String(id)).equals(id), String(ROOM.newUniqueId()).length, !id.equals(ROOM.idFromName("b"))];
});
check("an id of another namespace is refused", "TypeError", (r, { ROOM }) => thrown(() => ROOM.idFromString("0".repeat(64))));
check("get(), fetch()", "POST /path sent", async (r, { ROOM }) => (await ROOM.get(ROOM.idFromName("a")).fetch("https://any/path", { method: "POST", body: "sent" })).text());
check("getByName(), RPC", [1, 2, 1], async (r, { ROOM }) => [await ROOM.getByName("count").woken(), await ROOM.getByName("count").woken(), await ROOM.get(ROOM.newUniqueId()).woken()]);
check("ctx.id, env, blockConcurrencyWhile()", [64, "named", "ahoy", true], (r, { ROOM }) => ROOM.getByName("named").about());
check("what a method throws", ["RangeError", "from the object"], async (r, { ROOM }) => {
  try { await ROOM.getByName("a").fail(); } catch (error) { return [error.name, error.message]; }
});

const storage = area("Durable Object storage", "../durable-objects/api/sqlite-storage-api/");
const made = (api, expected, run) => storage(api, expected, (r, { ROOM }) => ROOM.getByName(`storage ${run}`).storage(run));
made("put(), get(), delete() of one and several", ["2026-01-01T00:00:00.000Z", [["b", 1]], ["b"], true, null], "kv");
made("list() with start, end, prefix, reverse, limit", [[2, 3], ["l3"]], "list");
made("storage.kv", [[1], [["s", [1]]], true], "sync");
made("sql.exec(): toArray(), one(), raw(), columnNames; databaseSize", [[{ name: "ada" }, { name: "bob" }], 2, ["id"], [["ada"], ["bob"]], true], "sql");
made("transactionSync()", [{ n: 2 }], "sync transaction");
made("transaction()", [null, 2], "transaction");
made("setAlarm(), getAlarm(), deleteAlarm()", [true, null], "alarm");
made("deleteAll()", 0, "all");
