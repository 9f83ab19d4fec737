// Looks polite, gives nothing back.
export default { async fetch() { for (;;) await null; } };
