// The shell's own script: starts Blazor with our reconnection, and does what must work without a circuit
// (theme, drawer, menus, copying, relative times, row clicks). No inline handlers: the content policy forbids them.
(() => {
  'use strict';
  const root = document.documentElement;
  const nonce = document.currentScript?.nonce ?? '';
  const $ = (selector, from = document) => from.querySelector(selector);

  // --- theme: the server reads the cookie, so the first paint is right
  const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  function toggleTheme() {
    const theme = dark() ? 'light' : 'dark';
    root.dataset.theme = theme;
    document.cookie = `quarterdeck-theme=${theme};path=/;max-age=31536000;samesite=lax`;
  }

  // --- drawer on narrow screens: focus goes in, stays in, and comes back
  const drawerOpen = () => root.hasAttribute('data-drawer');
  function setDrawer(open) {
    if (open === drawerOpen()) return;
    root.toggleAttribute('data-drawer', open);
    const button = $('[data-drawer-toggle]');
    button?.setAttribute('aria-expanded', String(open));
    $('#main')?.toggleAttribute('inert', open);
    if (open) $('#nav a')?.focus(); else if ($('#nav')?.contains(document.activeElement)) button?.focus();
  }

  // --- copying
  async function copy(button) {
    const text = button.dataset.copy;
    try { await navigator.clipboard.writeText(text); }
    catch { // no clipboard on plain http from another machine
      const area = Object.assign(document.createElement('textarea'), { value: text });
      (button.closest('dialog') ?? document.body).append(area); area.select(); document.execCommand('copy'); area.remove();
    }
    button.dataset.copied = 'true';
    setTimeout(() => delete button.dataset.copied, 1500);
  }

  document.addEventListener('click', e => {
    const on = selector => e.target.closest?.(selector);
    if (on('.qd-skip')) { e.preventDefault(); e.stopPropagation(); $('#main').focus(); } // as a navigation it would put the focus on the heading
    else if (on('[data-theme-toggle]')) toggleTheme();
    else if (on('[data-drawer-toggle]')) setDrawer(!drawerOpen());
    else if (on('[data-drawer-scrim]') || on('#nav a')) setDrawer(false);
    else if (on('[data-copy]')) { copy(on('[data-copy]')); e.stopPropagation(); }
    else if (on('[data-connection-retry]')) reconnectNow?.();
    else if (on('tr[data-row]') && !on('a,button,input,select,label,summary') && !String(getSelection())) {
      const link = $('a.qd-row-link', on('tr[data-row]'));
      if (link && (e.ctrlKey || e.metaKey)) open(link.href, '_blank', 'noopener'); else link?.click();
    }
    for (const menu of document.querySelectorAll('details[data-menu][open]'))
      if (!menu.contains(e.target) || on('a.qd-menu-item, button.qd-menu-item')) menu.open = false;
  });
  document.addEventListener('keydown', e => {
    if (e.key !== 'Escape') return;
    if (drawerOpen()) { setDrawer(false); $('[data-drawer-toggle]')?.focus(); }
    for (const menu of document.querySelectorAll('details[data-menu][open]')) { menu.open = false; $('summary', menu).focus(); }
  });
  document.addEventListener('keydown', e => { // keep the focus in the open drawer
    if (e.key !== 'Tab' || !drawerOpen()) return;
    const stops = [$('[data-drawer-toggle]'), ...document.querySelectorAll('#nav a')];
    const at = stops.indexOf(document.activeElement);
    e.preventDefault();
    stops[(at + (e.shiftKey ? stops.length - 1 : 1)) % stops.length]?.focus();
  });
  matchMedia('(min-width: 901px)').addEventListener('change', () => setDrawer(false));

  // --- folded parts stay folded: <details data-keep="name">
  const kept = new WeakSet();
  function keepFolds() {
    for (const fold of document.querySelectorAll('details[data-keep]')) {
      if (kept.has(fold)) continue;
      kept.add(fold);
      if (localStorage.getItem(`fold:${fold.dataset.keep}`) === 'closed') fold.open = false;
      fold.addEventListener('toggle', () => localStorage.setItem(`fold:${fold.dataset.keep}`, fold.open ? 'open' : 'closed'));
    }
  }
  new MutationObserver(keepFolds).observe(document.body, { childList: true, subtree: true });
  keepFolds();

  // --- relative times: one timer a page; the rule is Words.Ago's
  function ago(at, now) {
    const s = Math.round((now - at) / 1000), span = Math.abs(s);
    if (span < 5) return 'just now';
    const words = span < 60 ? `${span} s` : span < 3600 ? `${Math.floor(span / 60)} min` : span < 86400 ? `${Math.floor(span / 3600)} h`
      : span < 2592000 ? `${Math.floor(span / 86400)} d` : null;
    return words === null ? at.toISOString().slice(0, 10) : s >= 0 ? `${words} ago` : `in ${words}`;
  }
  function tick() {
    const now = Date.now();
    for (const time of document.querySelectorAll('time[data-relative]')) {
      const text = time.firstChild, words = ago(new Date(time.dateTime), now); // the text node stays Blazor's, only its value changes
      if (text && text.nodeValue !== words) text.nodeValue = words;
    }
  }
  setInterval(() => { if (!document.hidden) tick(); }, 5000);

  // --- connection: a strip instead of Blazor's modal; the page stays readable, comes back in place or reloads itself
  let reconnectNow = null;
  function connectionDown() {
    if (reconnectNow) return;
    const notice = $('#connection-notice'), text = $('[data-connection-text]', notice);
    const since = new Date();
    Object.assign($('[data-connection-since]', notice), { dateTime: since.toISOString(), textContent: since.toLocaleTimeString() });
    root.dataset.connection = 'lost';
    notice.hidden = false;
    let delay = 300, timer = 0, busy = false;
    const attempt = async () => {
      if (busy) return;
      busy = true; clearTimeout(timer);
      text.textContent = 'Reconnecting…';
      try {
        if (!await Blazor.reconnect()) { // the server lives, our circuit is gone: the address holds filters and selection
          text.textContent = 'The console was restarted. Loading the page again…';
          location.reload();
          return;
        }
      } catch {
        delay = Math.min(delay * 1.6, 5000);
        text.textContent = `The console does not answer. Next try in ${Math.ceil(delay / 1000)} s.`;
        timer = setTimeout(attempt, delay);
      } finally { busy = false; }
    };
    reconnectNow = attempt;
    timer = setTimeout(attempt, delay);
  }
  function connectionUp() {
    reconnectNow = null;
    delete root.dataset.connection;
    $('#connection-notice').hidden = true;
  }
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { tick(); reconnectNow?.(); } });
  addEventListener('online', () => reconnectNow?.());

  window.quarterdeck = {
    nonce, // for style elements of the code editor; the browser hides it from the markup
    openDialog: dialog => { if (!dialog.open) dialog.showModal(); },
    closeDialog: dialog => dialog.close(),
    scrollToEnd: element => { element.scrollTop = element.scrollHeight; },
  };
  Blazor.start({ circuit: { reconnectionHandler: { onConnectionDown: connectionDown, onConnectionUp: connectionUp } } });
})();
