// Fills the heap in many short turns.
const kept = [];
export default { async fetch() { for (;;) { const row = []; for (let i = 0; i < 32768; i++) row.push({ i }); kept.push(row); await scheduler.wait(1); } } };
