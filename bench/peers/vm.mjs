// Tenants in contexts of Node's vm, one for each host name: vm.mjs PORT
import http from "node:http";
import vm from "node:vm";
const tenants = new Map();
const load = host => vm.runInContext(`let n = 0; (url) => { n++; return ${JSON.stringify(`hello ${host.split(".")[0].slice(1)}\n`)}; }`, vm.createContext({ URL, console }));
http.createServer((request, response) => {
  const host = request.headers.host;
  let handler = tenants.get(host);
  if (handler === undefined) tenants.set(host, handler = load(host));
  response.end(handler(request.url));
}).listen(Number(process.argv[2]), "127.0.0.1");
