export default { fetch() { return new Response("no closing brace") };
