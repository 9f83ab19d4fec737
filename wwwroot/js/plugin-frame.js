// A plug-in's page in its frame, seen from the console: what it says is believed only as far as it can do no harm.
const most = { text: 300, title: 80, path: 2000 }, burst = 40, perSecond = 10, patience = 5000;
const kinds = new Set(['info', 'success', 'warning', 'error']), objects = new Set(['operation', 'vm', 'host']);
const isText = (value, length) => typeof value === 'string' && value.length > 0 && value.length <= length;
const isPath = value => isText(value, most.path) && /^\/(?!\/)[^\\\u0000-\u0020\u007f]*$/.test(value);
const isId = value => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);

/** What may be said, and what it must look like; anything else is dropped. */
const shapes = {
  ready: () => true,
  ended: () => true,
  failed: () => true,
  title: m => isText(m.title, most.title),
  location: m => isPath(m.path),
  navigate: m => isPath(m.path),
  notify: m => kinds.has(m.kind) && isText(m.text, most.text),
  open: m => objects.has(m.object) && isId(m.id),
};

/**
 * Opens a plug-in's page in `frame` and tells `page` (a .NET object reference) what it says.
 * view: { prefix: its ticket's address, path, address: the console's own address of the plug-in's pages (null on tabs and cards), context }
 */
export function open(frame, page, view) {
  const root = document.documentElement;
  let tokens = burst, filled = performance.now(), dropped = 0, deaf = false, closed = false, wantsTheme;
  const theme = () => (root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
  const tell = (method, ...values) => { if (!closed) page.invokeMethodAsync(method, ...values).catch(() => { }); };
  // The frame has no origin that could be named; what is said to it is no secret.
  const say = message => frame.contentWindow?.postMessage({ quarterdeck: 1, theme: theme(), ...message }, '*');

  // A page that floods is not listened to any more: each message costs a comparison, none reaches the server.
  function allowed() {
    const now = performance.now();
    tokens = Math.min(burst, tokens + (now - filled) / 1000 * perSecond);
    filled = now;
    if (tokens >= 1) { tokens--; return true; }
    if (++dropped === patience) { deaf = true; tell('Flooded'); }
    return false;
  }

  // Only a person in the frame moves the console: a page that acts by itself gets its wish shown as a link.
  const byPerson = () => document.activeElement === frame && (navigator.userActivation?.isActive ?? true);

  const answers = {
    ready: () => say({ type: 'hello', context: view.context }),
    ended: () => tell('Ended'),
    failed: () => say({ type: 'theme' }),
    title: m => tell('Titled', m.title),
    location(m) {
      if (view.address === null) return;
      const at = below(view.address, m.path);
      if (!at) return;
      history.replaceState(history.state, '', at); // not Blazor's navigation: that would take the focus out of the frame
      tell('Located', m.path);
    },
    navigate(m) {
      if (view.address !== null) go(m.path);
      else if (byPerson()) tell('Navigated', m.path);
    },
    notify: m => tell('Notified', m.kind, m.text),
    open: m => tell('Opened', m.object, m.id, byPerson()),
  };

  function hear(e) {
    if (deaf || closed || e.source !== frame.contentWindow || e.origin !== 'null') return;
    const m = e.data;
    if (!allowed() || typeof m !== 'object' || m === null || m.quarterdeck !== 1 || typeof m.type !== 'string' || !Object.hasOwn(shapes, m.type) || !shapes[m.type](m)) return;
    answers[m.type](m);
  }

  /** The address of a path below another address, dots resolved; null when it leads out. */
  function below(root, path) {
    const start = new URL(root + '/', document.baseURI), at = new URL(root + path, document.baseURI);
    return isPath(path) && at.origin === start.origin && at.pathname.startsWith(start.pathname) ? at : null;
  }

  function go(path) {
    const at = below(view.prefix, path);
    if (!at) return;
    frame.dataset.state = 'loading';
    frame.src = at.href;
  }

  const loaded = () => { if (frame.src) { frame.dataset.state = 'shown'; tell('Loaded'); } };
  const changed = () => { if (wantsTheme !== theme()) { wantsTheme = theme(); say({ type: 'theme' }); } };
  const watch = new MutationObserver(changed), system = matchMedia('(prefers-color-scheme: dark)');
  window.addEventListener('message', hear);
  frame.addEventListener('load', loaded);
  system.addEventListener('change', changed);
  watch.observe(root, { attributeFilter: ['data-theme'] });
  wantsTheme = theme();
  // A page that hangs must not keep the console's own from being loaded.
  const begin = () => { if (!closed && !frame.src) go(view.path); };
  if (document.readyState === 'complete') begin(); else window.addEventListener('load', begin, { once: true });

  return {
    go,
    /** A new ticket: the page is loaded again where it was. */
    renew(prefix, path) { view.prefix = prefix; deaf = false; dropped = 0; go(path); },
    close() {
      closed = true;
      window.removeEventListener('message', hear);
      frame.removeEventListener('load', loaded);
      system.removeEventListener('change', changed);
      watch.disconnect();
    },
  };
}
