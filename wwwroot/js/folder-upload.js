// Reads a chosen project folder for the page: names and sizes first, then all wanted files as one stream, one after the other.
const never = /(^|\/)(\.git|\.wrangler|\.next|\.turbo|\.vscode|\.idea)(\/|$)|(^|\/)\.(env|dev\.vars)(\.[^/]*)?$/;

/** Paths of packages that the project depends on at run time, through their own dependencies; tools of its development are not. */
async function packages(byPath, root) {
  const found = new Set(), names = [];
  const more = async path => {
    try { names.push(...Object.keys(JSON.parse(await byPath.get(path).text()).dependencies ?? {})); } catch { /* no package.json, or a broken one: the bundler says what is missing */ }
  };
  await more(`${root}package.json`);
  while (names.length > 0) {
    const folder = `${root}node_modules/${names.pop()}/`;
    if (found.has(folder) || !byPath.has(`${folder}package.json`)) continue;
    found.add(folder);
    await more(`${folder}package.json`);
  }
  return [...found];
}

/** Watches a folder input; `page` hears Chosen(stream of JSON) with the files that would be sent. */
export function watch(input, page) {
  let files = [];
  const chosen = async () => {
    const all = [...input.files].map(file => ({ file, path: (file.webkitRelativePath || file.name).replace(/^[^/]+\//, '') }));
    const wanted = await packages(new Map(all.map(f => [f.path, f.file])), '');
    files = all.filter(f => !never.test(f.path) && (!/(^|\/)node_modules\//.test(f.path) || wanted.some(folder => f.path.startsWith(folder))));
    const json = JSON.stringify({ Skipped: all.length - files.length, Files: files.map(f => ({ Path: f.path, Bytes: f.file.size })) });
    await page.invokeMethodAsync('Chosen', DotNet.createJSStreamReference(new TextEncoder().encode(json)));
  };
  input.addEventListener('change', chosen);
  if (input.files.length > 0) chosen(); // somebody was quicker than the page
  return {
    read: () => new Blob(files.map(f => f.file)),
    close: () => input.removeEventListener('change', chosen),
  };
}
