// Tries to catch its own end.
export default { fetch() { for (;;) { try { for (;;); } catch { continue; } finally { continue; } } } };
