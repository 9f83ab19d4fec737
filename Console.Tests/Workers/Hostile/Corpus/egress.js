// Tries to reach what is not public, in every notation. The listener's port comes in the query.
const hosts = [
  "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "127.0.0.1.", "１２７.0.0.1",
  "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "100.64.0.1", "metadata.google.internal",
];
export default {
  async fetch(request) {
    const port = new URL(request.url).searchParams.get("port") ?? "80";
    const tried = await Promise.allSettled(hosts.map((host) => fetch(`http://${host}:${port}/`).then(async (r) => `${host}: ${r.status} ${(await r.text()).slice(0, 40)}`)));
    return new Response(tried.filter((one) => one.status === "fulfilled").map((one) => one.value).join("\n"));
  },
};
