// One native call over 40 million characters.
export default { fetch() { return new Response(String("ab".repeat(2e7).replace(/a/g, "c").length)); } };
