// The browser's side of installing an appliance: reads what the package says about itself, and sends it with progress.
// An OVA is a tar. Its descriptor, manifest, certificate and plug-in manifest are small; its disks are gigabytes.
// Walking the headers with File.slice and posting only the small members lets the wizard ask its questions
// after some kilobytes, and the package itself crosses the network once, when it is deployed.
const draft = 'qd-install';
const block = 512, small = 4 << 20, mostEntries = 200;

const padded = n => Math.ceil(n / block) * block;
const text = (bytes, from, length) => new TextDecoder().decode(bytes.subarray(from, from + length)).split('\0')[0].trim();

function size(header) {
  const field = header.subarray(124, 136);
  if (!(field[0] & 0x80)) return parseInt(text(header, 124, 12) || '0', 8);
  return Number(field.subarray(1).reduce((n, b) => n * 256n + BigInt(b), 0n)); // GNU's base 256, for 8 GiB and more
}

/** The small members of the package as a tar of their own, and the names and sizes of all. */
async function head(file) {
  const parts = [], entries = [];
  for (let at = 0; at + block <= file.size && entries.length < mostEntries;) {
    const header = new Uint8Array(await file.slice(at, at + block).arrayBuffer());
    if (header.every(b => b === 0)) break;
    if (text(header, 257, 5) !== 'ustar' && entries.length === 0) throw new Error('This is not an OVA: the file is not a tar archive.');
    const bytes = size(header);
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new Error('This is not an OVA: a header in it is damaged.');
    entries.push({ name: text(header, 0, 100), bytes });
    if (bytes <= small && !/\.(vmdk|img|iso|qcow2|raw|vhdx?)$/i.test(entries.at(-1).name)) parts.push(file.slice(at, at + block + padded(bytes)));
    at += block + padded(bytes);
  }
  if (entries.length === 0) throw new Error('This is not an OVA: the file is empty.');
  parts.push(new Uint8Array(2 * block));
  return { tar: new Blob(parts) };
}

function send(path, token, form, onProgress, onRequest) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', new URL(path, document.baseURI));
    request.setRequestHeader('RequestVerificationToken', token);
    request.responseType = 'text';
    request.upload.onprogress = e => onProgress?.(e.loaded, e.total);
    request.onload = () => resolve({ status: request.status, body: request.responseText });
    request.onerror = () => reject(new Error('The connection to the console was lost.'));
    request.onabort = () => reject(new Error('The upload was stopped.'));
    onRequest?.(request);
    request.send(form);
  });
}

/** Watches a file input; `page` is told about the chosen package and every step of its upload. */
export function attach(input, page) {
  let file = null, running = null;
  const choose = () => {
    file = input.files[0] ?? null;
    if (file) page.invokeMethodAsync('FileChosen', file.name, file.size);
  };
  input.addEventListener('change', choose);
  return {
    /** A file may have been chosen before this script was there to hear of it. */
    begin() { if (!file) choose(); },
    /** Posts the small members; answers { status, body } of the inspection, or { status: 0, body: why }. */
    async inspect(path, token) {
      try {
        const { tar } = await head(file);
        const form = new FormData();
        form.append('file', tar, file.name);
        return await send(path, token, form);
      } catch (e) { return { status: 0, body: e.message }; }
    },
    /** Sends the whole package after its spec, if there is one; progress at most five times a second. */
    async deploy(path, token, spec) {
      const form = new FormData();
      if (spec) form.append('spec', new Blob([spec], { type: 'application/json' }));
      form.append('file', file, file.name);
      let last = 0;
      const progress = (done, total) => {
        const now = performance.now();
        if (done < total && now - last < 200) return;
        last = now;
        page.invokeMethodAsync('UploadProgress', done, total).catch(() => { });
      };
      const leave = e => e.preventDefault(); // leaving the page ends the upload: the browser asks first
      window.addEventListener('beforeunload', leave);
      try { return await send(path, token, form, progress, r => running = r); }
      catch (e) { return { status: 0, body: e.message }; }
      finally { window.removeEventListener('beforeunload', leave); running = null; }
    },
    stop: () => running?.abort(),
    /** Answers outlive a reload of the page in this tab; what is kept is encrypted by the console. */
    keep: text => { if (text) sessionStorage.setItem(draft, text); else sessionStorage.removeItem(draft); },
    kept: () => sessionStorage.getItem(draft),
    /** The same file may be chosen again. */
    clear() { input.value = ''; file = null; },
    /** The control of a field by the name that REST gives it; a group's first control where it has none of its own. */
    focusField(name) {
      const id = 'f-' + name.replace(/[^A-Za-z0-9]/g, '-');
      const field = document.getElementById(id) ?? document.querySelector('.qd-install-form [aria-invalid="true"]');
      field?.scrollIntoView({ block: 'center' });
      field?.focus({ preventScroll: true });
    },
    focusSection(name) {
      const section = document.getElementById('s-' + name);
      section?.scrollIntoView({ block: 'start' });
      section?.focus({ preventScroll: true });
    },
  };
}
