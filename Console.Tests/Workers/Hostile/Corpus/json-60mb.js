// One native call over 60 MB.
export default { fetch() { return new Response(String(JSON.parse("[" + "1,".repeat(3e7) + "1]").length)); } };
