// Native code that looks at no flag for minutes.
export default {
  async fetch() {
    const key = await crypto.subtle.importKey("raw", new Uint8Array(8), "PBKDF2", false, ["deriveBits"]);
    await crypto.subtle.deriveBits({ name: "PBKDF2", salt: new Uint8Array(8), iterations: 1e9, hash: "SHA-256" }, key, 256);
    return new Response("never");
  },
};
