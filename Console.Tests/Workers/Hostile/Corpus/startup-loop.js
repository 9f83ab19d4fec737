// Loops before it ever answers.
for (;;);
export default { fetch() { return new Response("never"); } };
