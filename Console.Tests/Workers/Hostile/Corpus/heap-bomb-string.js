// A size that V8 does not survive: the process ends.
export default { fetch() { return new Response(String("x".repeat(1 << 28).split("").length)); } };
