// Fills the heap before it ever answers.
const kept = [];
for (;;) kept.push({ kept });
export default { fetch() { return new Response("never"); } };
