// An answer in an hour.
export default { fetch() { return new Promise((answer) => setTimeout(() => answer(new Response("late")), 3600e3)); } };
