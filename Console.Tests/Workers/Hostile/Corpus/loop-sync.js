// Never gives the thread back.
export default { fetch() { for (;;); } };
