// What is put round a worker's class of durable objects. workerd runs it as a facet: there ids are plain texts and alarms do not exist, so both are added here.
// So is the refusal of writes while there is still room to read and to delete; beyond that the disk's own limit would end the object.
const NO_ALARM = "Your Durable Object class must have an alarm() handler in order to call setAlarm()";
const GROWS = /(?:^|;)\s*(?:insert|replace|update)\b/i, FRESH_MS = 1000;
const mib = bytes => `${Math.round(bytes / 1048576)} MiB`;

// The class as the host runs it; undefined when it is not exported, and that matters to nobody.
export function object(Class, name, needed) {
  if (typeof Class !== "function") {
    if (needed) throw new Error(`A durable object binding needs the class '${name}', which the worker does not export.`);
    return undefined;
  }
  return { [name]: class extends Class {
    constructor(ctx, env) {
      const made = prepare(ctx, typeof Class.prototype.alarm === "function");
      super(ctx, env);
      made();
    }

    async fetch(request) {
      const due = request.headers.get("x-quarterdeck-alarm");
      if (due !== null) {
        await super.alarm(JSON.parse(due));
        return new Response(null, { status: 204 });
      }
      if (typeof super.fetch !== "function") throw new TypeError("Handler does not export a fetch() function.");
      return super.fetch(request);
    }
  } }[name];
}

const own = (target, members) => { for (const [key, value] of Object.entries(members)) Object.defineProperty(target, key, { value, configurable: true, writable: true }); };

// Returns what is to be called once the object is made.
function prepare(ctx, wakes) {
  const { id, name, most, host } = ctx.props, { storage } = ctx;
  own(ctx, { id: { name, toString: () => id, equals: other => String(other) === id }, props: {} });
  const clock = {
    async setAlarm(at) {
      if (!wakes) throw new TypeError(NO_ALARM);
      const time = at instanceof Date ? at.getTime() : Number(at);
      if (!(time > 0)) throw new TypeError("setAlarm() cannot be called with an alarm time <= 0");
      await host.set(time);
    },
    getAlarm: async () => (await host.get()) ?? null,
    deleteAlarm: () => host.set(null),
  };
  own(storage, clock);
  const { transaction, deleteAll } = storage;
  own(storage, {
    transaction: work => transaction.call(storage, part => { own(part, clock); limits.put(part); return work(part); }),
    async deleteAll(options) {
      if (options?.deleteAlarm !== false) await clock.deleteAlarm();
      return deleteAll.call(storage, options);
    },
  });
  const limits = limit(ctx, most, host);
  return limits.made;
}

function limit(ctx, most, host) {
  const { storage } = ctx, { sql, kv } = storage, block = ctx.blockConcurrencyWhile;
  let making = 1, full = null, asked = 0;
  // An object that cannot be made could delete nothing, so what it writes for that is let through.
  own(ctx, { blockConcurrencyWhile: work => block.call(ctx, making === 0 ? work : async () => { making++; try { return await work(); } finally { making--; } }) });
  const check = () => {
    if (making > 0) return;
    const has = sql.databaseSize, now = Date.now();
    if (has >= most) throw new Error(`This durable object has ${mib(has)}, ${mib(most)} are allowed: it can store no more. Delete some of it, or ask an administrator for more.`);
    if (now - asked >= FRESH_MS) {
      asked = now;
      host.full().then(why => { full = why; }, () => { });
    }
    if (full !== null) throw new Error(full);
  };
  const checked = (target, name, grows) => { const native = target[name]; own(target, { [name]: (...args) => { if (grows(args)) check(); return native.apply(target, args); } }); };
  checked(sql, "exec", args => GROWS.test(args[0]));
  checked(kv, "put", () => true);
  const put = target => { const native = target.put; own(target, { put: (...args) => { try { check(); } catch (error) { return Promise.reject(error); } return native.apply(target, args); } }); };
  put(storage);
  return { put, made: () => { making--; } };
}
