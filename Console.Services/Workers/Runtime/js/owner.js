// The main module of a compute server that has durable objects: all of the dispatcher, and what keeps them.
export { default, admin, Egress, HostBinding, ObjectDoor, Service, Tail } from "./dispatcher.js";
export { objects } from "./gate.js";
export { Objects } from "./keeper.js";
export { Directory, ObjectHost } from "./directory.js";
