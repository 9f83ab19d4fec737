// What is put round a worker's class of durable objects. workerd runs it as a facet: there ids are plain texts and alarms do not exist, so both are added here.
const NO_ALARM = "Your Durable Object class must have an alarm() handler in order to call setAlarm()";

// The class as the host runs it; undefined when it is not exported, and that matters to nobody.
export function object(Class, name, needed) {
  if (typeof Class !== "function") {
    if (needed) throw new Error(`A durable object binding needs the class '${name}', which the worker does not export.`);
    return undefined;
  }
  return { [name]: class extends Class {
    constructor(ctx, env) {
      prepare(ctx, typeof Class.prototype.alarm === "function");
      super(ctx, env);
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

function prepare(ctx, wakes) {
  const { id, name, alarms } = ctx.props, { storage } = ctx;
  const own = (target, members) => { for (const [key, value] of Object.entries(members)) Object.defineProperty(target, key, { value, configurable: true, writable: true }); };
  own(ctx, { id: { name, toString: () => id, equals: other => String(other) === id }, props: {} });
  const clock = {
    async setAlarm(at) {
      if (!wakes) throw new TypeError(NO_ALARM);
      const time = at instanceof Date ? at.getTime() : Number(at);
      if (!(time > 0)) throw new TypeError("setAlarm() cannot be called with an alarm time <= 0");
      await alarms.set(time);
    },
    getAlarm: async () => (await alarms.get()) ?? null,
    deleteAlarm: () => alarms.set(null),
  };
  own(storage, clock);
  const { transaction, deleteAll } = storage;
  own(storage, {
    transaction: work => transaction.call(storage, part => { own(part, clock); return work(part); }),
    async deleteAll(options) {
      if (options?.deleteAlarm !== false) await clock.deleteAlarm();
      return deleteAll.call(storage, options);
    },
  });
}
