// No turn is long, together they take the whole core.
export default { async fetch() { for (;;) { for (let i = 0; i < 2e7; i++); await scheduler.wait(0); } } };
