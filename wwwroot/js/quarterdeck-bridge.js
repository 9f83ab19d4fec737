// The bridge between a plug-in's page and the console around it (docs/plugin-ui.md). Include it as a classic script, relative to the plug-in's root:
//   <script src="quarterdeck-bridge.js"></script>
// The page then has window.quarterdeck, and its title, address and theme are kept in step with the console by themselves.
(() => {
  'use strict';
  const script = new URL(document.currentScript.src), base = script.pathname.slice(0, script.pathname.lastIndexOf('/') + 1);
  const framed = parent !== self, root = document.documentElement;
  const themes = new Set();
  let settle, theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light', context = null;
  const ready = new Promise(done => settle = done);

  // The frame has no origin of its own, so a message names the console's; one from anybody else is not heard.
  const send = (type, more) => { if (framed) parent.postMessage({ quarterdeck: 1, type, ...more }, script.origin); };
  const inner = () => '/' + (location.pathname.startsWith(base) ? location.pathname.slice(base.length) : '') + location.search + location.hash;

  function show(next) {
    theme = next;
    root.dataset.theme = theme;
    root.style.colorScheme = theme;
    for (const listener of themes) listener(theme);
  }

  addEventListener('message', e => {
    const data = e.data;
    if (e.source !== parent || e.origin !== script.origin || data?.quarterdeck !== 1) return;
    if (data.theme === 'light' || data.theme === 'dark') show(data.theme);
    if (data.type === 'hello') { context = data.context ?? null; settle({ theme, context, framed }); }
  });

  let told = '', name = '';
  function tell() {
    if (inner() !== told) { told = inner(); send('location', { path: told }); }
    if (document.title && document.title !== name) { name = document.title; send('title', { title: name.slice(0, 80) }); }
  }
  for (const method of ['pushState', 'replaceState']) {
    const original = history[method];
    history[method] = function (...values) { const result = original.apply(this, values); tell(); return result; };
  }
  for (const event of ['popstate', 'hashchange', 'DOMContentLoaded', 'load']) addEventListener(event, tell);
  new MutationObserver(tell).observe(document.head ?? root, { childList: true, subtree: true, characterData: true });

  window.quarterdeck = Object.freeze({
    /** Resolves with { theme, context, framed } when the console has answered; at once when the page was opened on its own. */
    ready,
    /** 'light' or 'dark', as the console shows itself now. */
    get theme() { return theme; },
    /** { object: 'vm' | 'host', id } on an object's tab, else null. */
    get context() { return context; },
    /** Where the plug-in's own addresses begin, with a slash at the end. */
    base,
    /** Calls back at each change of theme; answers a function that ends it. */
    onTheme(listener) { themes.add(listener); return () => themes.delete(listener); },
    /** Shown beside the plug-in's name and in the browser's title; at most 80 characters. */
    title(text) { send('title', { title: String(text).slice(0, 80) }); },
    /** Goes to another page of the plug-in, such as '/devices/3': in the full view, also from a tab or card. */
    navigate(path) { if (framed) send('navigate', { path: String(path) }); else location.href = base + String(path).replace(/^\/+/, ''); },
    /** Shows a notice in the console. kind: 'info', 'success', 'warning' or 'error'; text: plain, at most 300 characters. */
    notify(kind, text) { send('notify', { kind: String(kind), text: String(text).slice(0, 300) }); },
    /** Opens an operation in the console. */
    openOperation(id) { send('open', { object: 'operation', id: String(id) }); },
    /** Opens an object in the console. object: 'operation', 'vm' or 'host'. */
    open(object, id) { send('open', { object: String(object), id: String(id) }); },
  });
  show(theme);
  if (framed) send('ready'); else settle({ theme, context, framed });
  tell();
})();
