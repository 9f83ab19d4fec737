// The code editor of a worker's modules: Monaco, loaded from this console only when a page asks for it.
// Without it (an old browser, a failed load) a plain text area takes its place, and everything else works.
const base = new URL('../lib/monaco/vs', import.meta.url).pathname;
const languages = { js: 'javascript', mjs: 'javascript', cjs: 'javascript', ts: 'typescript', json: 'json', jsonc: 'json', html: 'html', css: 'css', sql: 'sql', md: 'markdown' };
const label = name => `Code of ${name}. Ctrl+M lets Tab leave the editor.`;
let loading;

/** Monaco makes style elements as it goes; the page's content policy wants its nonce on each. */
function allowStyles(nonce) {
  const make = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const element = make(name, options);
    if (typeof name === 'string' && name.toLowerCase() === 'style') element.nonce = nonce;
    return element;
  };
}

function script(path) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement('script'), { src: path, onload: resolve, onerror: () => reject(new Error('The editor could not be loaded.')) });
    document.head.append(element);
  });
}

async function load() {
  allowStyles(window.quarterdeck?.nonce ?? '');
  // By itself it would start its workers from blobs, which the content policy forbids.
  window.MonacoEnvironment = { getWorker: (_, name) => new Worker(`${base}/base/worker/workerMain.js`, { name }) };
  await script(`${base}/loader.js`);
  const amd = window.require;
  amd.config({ paths: { vs: base } });
  const monaco = await new Promise((resolve, reject) => amd(['vs/editor/editor.main'], () => resolve(window.monaco), reject));
  // Libraries that come later would see the loader and register with it instead of the page.
  if (window.define) window.define.amd = undefined;
  const types = await fetch(new URL('../lib/workers-types/index.d.ts', import.meta.url)).then(r => r.ok ? r.text() : '', () => '');
  for (const language of [monaco.languages.typescript.javascriptDefaults, monaco.languages.typescript.typescriptDefaults]) {
    language.setCompilerOptions({ target: 99, module: 99, moduleResolution: 2, allowJs: true, checkJs: true, allowNonTsExtensions: true, lib: ['esnext'], strict: false });
    language.setDiagnosticsOptions({ diagnosticCodesToIgnore: [2307, 2354, 7016, 7044, 80001, 80005, 80007] }); // imports of packages are resolved when it is deployed
    language.setEagerModelSync(true);
    if (types) language.addExtraLib(types, 'file:///node_modules/@cloudflare/workers-types/index.d.ts');
  }
  return monaco;
}

const dark = () => document.documentElement.dataset.theme ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;

function color(token) { // light-dark() is resolved by the browser, so a probe is asked
  const probe = document.createElement('i');
  probe.hidden = true; probe.style.color = `var(${token})`;
  document.body.append(probe);
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3);
  probe.remove();
  return '#' + parts.map(v => Math.round(v).toString(16).padStart(2, '0')).join('');
}

function themes(monaco) {
  const name = dark() ? 'quarterdeck-dark' : 'quarterdeck-light';
  monaco.editor.defineTheme(name, {
    base: dark() ? 'vs-dark' : 'vs', inherit: true, rules: dark() ? [] : [{ token: 'comment', foreground: '3d6b2e' }, { token: 'number', foreground: '08704c' }],
    colors: { 'editor.background': color('--qd-surface'), 'editorGutter.background': color('--qd-surface'), 'editor.foreground': color('--qd-ink'), 'editorLineNumber.foreground': color('--qd-ink-3'), 'editorLineNumber.activeForeground': color('--qd-ink') },
  });
  monaco.editor.setTheme(name);
}

/** Monaco in `frame`, with the calls that both editors have. */
function rich(monaco, frame, files, chosen, readOnly, typed, save, env) {
  const types = [monaco.languages.typescript.javascriptDefaults, monaco.languages.typescript.typescriptDefaults].map(language => language.addExtraLib(env, 'file:///env.d.ts'));
  const uri = name => monaco.Uri.parse(`file:///${name}`);
  const model = (name, text) => monaco.editor.getModel(uri(name)) ?? monaco.editor.createModel(text, languages[name.split('.').pop()] ?? 'plaintext', uri(name));
  for (const old of monaco.editor.getModels()) old.dispose();
  for (const { name, text } of files) model(name, text);
  themes(monaco);
  const editor = monaco.editor.create(frame, {
    model: model(chosen, ''), readOnly, automaticLayout: true, minimap: { enabled: false }, scrollBeyondLastLine: false, fontSize: 13, tabSize: 2, fixedOverflowWidgets: true, accessibilitySupport: 'on',
    ariaLabel: label(chosen), padding: { top: 8, bottom: 8 }, lineNumbersMinChars: 3, wordWrap: innerWidth < 700 ? 'on' : 'off', folding: innerWidth >= 700, stickyScroll: { enabled: false },
  });
  const watcher = new MutationObserver(() => themes(monaco));
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  editor.onDidChangeModelContent(e => { if (!e.isFlush) typed(editor.getModel().uri.path.slice(1), () => editor.getValue()); });
  editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyS, save);
  return {
    show: (name, text) => { editor.setModel(model(name, text)); editor.updateOptions({ ariaLabel: label(name) }); },
    set: (name, text) => { const m = model(name, text); if (m.getValue() !== text) m.setValue(text); },
    remove: name => monaco.editor.getModel(uri(name))?.dispose(),
    mark: (name, line, column, message) => monaco.editor.setModelMarkers(model(name, ''), 'start-up', message ? [{ startLineNumber: line, startColumn: column, endLineNumber: line, endColumn: column + 1, message, severity: monaco.MarkerSeverity.Error }] : []),
    close: () => { watcher.disconnect(); editor.dispose(); for (const lib of types) lib.dispose(); for (const m of monaco.editor.getModels()) m.dispose(); },
  };
}

/** The same with a text area. */
function plain(area, files, chosen, readOnly, typed, save) {
  const texts = new Map(files.map(f => [f.name, f.text]));
  let shown = chosen;
  const input = () => { texts.set(shown, area.value); typed(shown, () => area.value); };
  const keys = e => { if ((e.ctrlKey || e.metaKey) && e.key === 's') { e.preventDefault(); save(); } };
  const show = (name, text) => { if (!texts.has(name)) texts.set(name, text); shown = name; area.value = texts.get(name); area.setAttribute('aria-label', `Code of ${name}`); };
  Object.assign(area, { hidden: false, readOnly });
  area.addEventListener('input', input); area.addEventListener('keydown', keys);
  show(chosen, '');
  return {
    show, set: (name, text) => { texts.set(name, text); if (name === shown) area.value = text; }, remove: name => texts.delete(name), mark: () => { },
    close: () => { area.removeEventListener('input', input); area.removeEventListener('keydown', keys); area.hidden = true; },
  };
}

/** Opens an editor in `host`. `env` declares the type Env; `page` hears CodeChanged(name, stream) a moment after typing, and SaveWanted on Ctrl+S. */
export async function open(host, page, files, chosen, readOnly, env) {
  const frame = host.querySelector('[data-frame]'), area = host.querySelector('textarea');
  let timer = 0, pending, telling = Promise.resolve();
  // Code is longer than one message of the page's connection may be, so it goes as a stream.
  // Whoever waits for it waits for what is on its way, too: a deployment must not take the text before.
  const tell = () => {
    clearTimeout(timer);
    if (pending) {
      const [name, read] = pending;
      pending = undefined;
      telling = telling.then(() => page.invokeMethodAsync('CodeChanged', name, DotNet.createJSStreamReference(new TextEncoder().encode(read()))).catch(() => { }));
    }
    return telling;
  };
  const typed = (name, read) => { clearTimeout(timer); pending = [name, read]; timer = setTimeout(tell, 250); };
  const save = async () => { await tell(); page.invokeMethodAsync('SaveWanted').catch(() => { }); };
  let editor;
  try {
    loading ??= load();
    editor = rich(await loading, frame, files, chosen, readOnly, typed, save, env);
    host.dataset.editor = 'rich';
  } catch (error) {
    loading = undefined;
    console.warn('The code editor is replaced by a plain text area.', error);
    editor = plain(area, files, chosen, readOnly, typed, save);
    host.dataset.editor = 'plain';
  }
  const leaving = e => { if (host.dataset.unsaved === 'true') e.preventDefault(); };
  addEventListener('beforeunload', leaving);
  return {
    ...editor, flush: tell, isRich: () => host.dataset.editor === 'rich',
    show: async (name, text) => { await tell(); editor.show(name, text); },
    close: () => { clearTimeout(timer); removeEventListener('beforeunload', leaving); editor.close(); },
  };
}

// What is typed and not deployed survives a reload of the page, in this browser only.
const key = name => `quarterdeck-draft:${name}`;
export const keepDraft = (name, json) => { try { sessionStorage.setItem(key(name), json); } catch { /* full or forbidden: the draft is an extra */ } };
export const draftOf = name => { try { return sessionStorage.getItem(key(name)); } catch { return null; } };
export const dropDraft = name => { try { sessionStorage.removeItem(key(name)); } catch { /* as above */ } };
