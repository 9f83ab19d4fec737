// The screen of a VM: noVNC over the page's own WebSocket. Reconnects by itself; says in words why it is not connected.
import RFB from '../lib/novnc/core/rfb.js';

// A guest that powers off closes its screen before libvirt tells: the page hears "off" within a second, and then does not try.
const firstRetry = 1500, longestRetry = 10_000;
const keys = { control: [0xffe3, 'ControlLeft'], alt: [0xffe9, 'AltLeft'], shift: [0xffe1, 'ShiftLeft'], super: [0xffeb, 'MetaLeft'] };

/** Opens the console in `frame` and tells `page` (a .NET object reference) about every change of state. */
export function open(frame, page, path) {
  const address = new URL(path, document.baseURI);
  address.protocol = address.protocol.replace('http', 'ws');
  let rfb = null, timer = 0, retry = firstRetry, closed = false, why = '', final = false;

  const tell = (state, detail = '') => {
    frame.dataset.state = state;
    if (!closed) page.invokeMethodAsync('ConsoleChanged', state, detail).catch(() => { });
  };

  const connect = () => {
    clearTimeout(timer);
    if (closed || rfb) return;
    why = ''; final = false;
    tell('connecting');
    const socket = new WebSocket(address, 'binary');
    // codes 4000 to 4099 mean that trying again cannot help until something changes (VM off, no graphics, no permission)
    socket.addEventListener('close', e => { why = e.reason; final = e.code >= 4000 && e.code < 4100; });
    rfb = new RFB(frame, socket, { shared: true });
    rfb.scaleViewport = true;
    rfb.background = 'transparent';
    rfb.addEventListener('connect', () => { retry = firstRetry; tell('connected'); rfb?.focus({ preventScroll: true }); });
    rfb.addEventListener('clipboard', e => page.invokeMethodAsync('GuestCopied', e.detail.text.slice(0, 16_384)).catch(() => { }));
    // no password prompt: libvirt hands over an authenticated stream, so a server that asks for one is not ours
    rfb.addEventListener('credentialsrequired', () => { why = 'The display asks for a password, which the console does not keep.'; final = true; rfb?.disconnect(); });
    rfb.addEventListener('disconnect', () => {
      rfb = null;
      if (closed) return;
      // the close event of the socket may come a moment later than noVNC's
      setTimeout(() => {
        if (closed || rfb) return;
        tell(final ? 'stopped' : 'waiting', why);
        if (!final) { timer = setTimeout(connect, retry); retry = Math.min(retry * 2, longestRetry); }
      }, 50);
    });
  };

  // WCAG 2.1.2: the guest gets Tab and Escape, so one chord gives the keyboard back to the page
  const release = e => {
    if (!(e.ctrlKey && e.altKey && e.shiftKey) || !rfb) return;
    for (const [sym, code] of [keys.control, keys.alt, keys.shift]) rfb.sendKey(sym, code, false);
    rfb.blur();
    e.preventDefault(); e.stopImmediatePropagation();
    document.getElementById(frame.dataset.release)?.focus();
  };
  window.addEventListener('keydown', release, true);
  connect();

  return {
    connect,
    focus: () => rfb?.focus({ preventScroll: true }),
    scale: on => { if (rfb) rfb.scaleViewport = on; },
    /** Presses a chord such as ['control','alt', 0xffff], releases it in reverse order. */
    chord(names) {
      if (!rfb) return;
      const all = names.map(n => keys[n] ?? [Number(n), null]);
      for (const [sym, code] of all) rfb.sendKey(sym, code, true);
      for (const [sym, code] of all.reverse()) rfb.sendKey(sym, code, false);
      rfb.focus({ preventScroll: true });
    },
    clipboard: text => rfb?.clipboardPasteFrom(text),
    /** Types text key by key: works in guests without any agent. */
    async type(text) {
      for (const c of text) {
        if (!rfb) return;
        const point = c.codePointAt(0);
        const sym = c === '\n' ? 0xff0d : c === '\t' ? 0xff09 : point < 0x100 ? point : 0x01000000 | point;
        // QEMU turns a symbol into a key, but presses no Shift for it
        const shifted = /[A-Z~!@#$%^&*()_+{}|:"<>?]/.test(c);
        if (shifted) rfb.sendKey(...keys.shift, true);
        rfb.sendKey(sym, null);
        if (shifted) rfb.sendKey(...keys.shift, false);
        await new Promise(done => setTimeout(done, 8)); // a keyboard controller drops keys that come faster
      }
      rfb?.focus({ preventScroll: true });
    },
    fullScreen: () => document.fullscreenElement ? document.exitFullscreen() : frame.parentElement.requestFullscreen(),
    close() {
      closed = true;
      clearTimeout(timer);
      window.removeEventListener('keydown', release, true);
      rfb?.disconnect();
      rfb = null;
    },
  };
}
