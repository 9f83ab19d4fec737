// Asks the process to end.
import process from "node:process";
export default { fetch() { try { process.kill?.(process.pid, 9); } catch { /* it is not there */ } process.abort(); return new Response("alive"); } };
