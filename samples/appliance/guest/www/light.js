// What the pages do: talk to the console by its bridge (docs/plugin-ui.md). Opened on their own they work, too, only quieter.
document.addEventListener('click', e => {
  const button = e.target.closest('[data-notify]');
  if (!button) return;
  document.title = button.dataset.title;   // the bridge tells the console by itself
  window.quarterdeck?.notify('success', button.dataset.notify);
});
