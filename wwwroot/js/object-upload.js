// Sends chosen or dropped files into a bucket, one after the other, each as the body of a PUT: past the page's connection, whatever their size.
const most = 1000;

/** A dropped folder is taken with all that is in it, under its own path. */
async function entries(entry, path, found) {
  if (found.length >= most) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: path + file.name });
    return;
  }
  const reader = entry.createReader();
  for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length > 0;)
    for (const one of some) await entries(one, `${path}${entry.name}/`, found);
}

function put(url, token, file, replace, onProgress, onRequest) {
  return new Promise(resolve => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    request.setRequestHeader('RequestVerificationToken', token);
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    if (!replace) request.setRequestHeader('If-None-Match', '*');
    request.upload.onprogress = e => onProgress(e.loaded);
    request.onload = () => resolve({ status: request.status, body: request.responseText });
    request.onerror = () => resolve({ status: 0, body: 'The connection to the console was lost, or the file cannot be read any more.' });
    request.onabort = () => resolve({ status: 0, body: 'The upload was stopped.' });
    onRequest(request);
    request.send(file);
  });
}

/** Watches `button` and `input`, and drops on the nearest `[data-drop]`; `page` hears Chosen(stream of JSON) and Progress(bytes). */
export function attach(button, input, page) {
  const area = input.closest('[data-drop]'), ending = new AbortController(), listen = { signal: ending.signal };
  let files = [], running = null, depth = 0;
  const tell = found => {
    files = found.slice(0, most);
    const json = JSON.stringify({ LeftOut: Math.max(0, found.length - most), Files: files.map(f => ({ Path: f.path, Bytes: f.file.size })) });
    return page.invokeMethodAsync('Chosen', DotNet.createJSStreamReference(new TextEncoder().encode(json)));
  };
  const over = by => { depth = Math.max(0, depth + by); area.classList.toggle('over', depth > 0 && !button.disabled); };
  const carries = e => [...e.dataTransfer.types].includes('Files');
  button.addEventListener('click', () => input.click(), listen);
  const take = async () => {
    const chosen = [...input.files].map(file => ({ file, path: file.name }));
    input.value = ''; // the same file may be chosen again
    if (chosen.length > 0) await tell(chosen);
  };
  input.addEventListener('change', take, listen);
  area.addEventListener('dragenter', e => { if (carries(e)) over(1); }, listen);
  area.addEventListener('dragleave', e => { if (carries(e)) over(-1); }, listen);
  area.addEventListener('dragover', e => { if (carries(e)) { e.preventDefault(); e.dataTransfer.dropEffect = button.disabled ? 'none' : 'copy'; } }, listen);
  area.addEventListener('drop', async e => {
    if (!carries(e)) return;
    e.preventDefault();
    depth = 0;
    over(0);
    if (button.disabled) return;
    // Both lists are emptied when this handler yields: what is in them is taken at once.
    const dropped = [...e.dataTransfer.items].filter(i => i.kind === 'file').map(i => ({ entry: i.webkitGetAsEntry?.(), file: i.getAsFile() }));
    const found = [];
    for (const { entry, file } of dropped)
      if (entry) await entries(entry, '', found); else if (file) found.push({ file, path: file.name });
    if (found.length > 0) await tell(found);
  }, listen);
  take(); // somebody was quicker than the page
  return {
    /** Sends one of the files; answers { status, body }, with the status 0 where there was no answer. Progress at most five times a second. */
    send(index, path, token, replace) {
      let last = 0;
      const progress = done => {
        const now = performance.now();
        if (now - last < 200) return;
        last = now;
        page.invokeMethodAsync('Progress', done).catch(() => { });
      };
      return put(new URL(path, document.baseURI), token, files[index].file, replace, progress, r => running = r).finally(() => running = null);
    },
    stop: () => running?.abort(),
    close() { ending.abort(); running?.abort(); },
  };
}
