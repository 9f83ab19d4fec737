// A promise that nobody keeps.
export default { fetch() { return new Promise(() => {}); } };
