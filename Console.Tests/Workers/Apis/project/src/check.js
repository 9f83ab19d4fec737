// One check is one documented API: its name, what the documentation says it gives, and a run that really uses it.
export const areas = [];

// page: where the Workers documentation tells of it.
export function area(title, page) {
  const checks = [];
  areas.push({ title, page, checks });
  const check = (api, expected, run) => checks.push({ api, expected, run });
  // Known not to work: why. The check is made all the same.
  check.missing = (api, why, expected, run) => checks.push({ api, expected, run, why });
  return check;
}

export const text = stream => new Response(stream).text();
export const bytes = data => [...new Uint8Array(data)];
export const hex = data => bytes(data).map(b => b.toString(16).padStart(2, "0")).join("");
export const utf8 = string => new TextEncoder().encode(string);

// The name of what is thrown; undefined when nothing is.
export async function thrown(run) {
  try { await run(); } catch (error) { return error.name; }
}
