// Ten thousand subrequests at once.
export default {
  async fetch() {
    const all = await Promise.allSettled(Array.from({ length: 10000 }, (_, i) => fetch("http://example.invalid/" + i).then((r) => r.text())));
    return new Response(String(all.filter((one) => one.status === "fulfilled").length));
  },
};
