// An endless loop in WebAssembly: (func (export "f") (loop (br 0))).
import code from "./loop.wasm";
export default { fetch() { new WebAssembly.Instance(code).exports.f(); } };
