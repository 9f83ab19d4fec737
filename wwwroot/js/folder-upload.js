// Reads a chosen project folder for the page: names and sizes first, then each file that is wanted as a stream.
const left = /(^|\/)(node_modules|\.git|\.wrangler|\.next|\.turbo|\.vscode|\.idea)(\/|$)|(^|\/)\.(env|dev\.vars)(\..*)?$/;

/** Watches a folder input; `page` hears Chosen(json) with the files that would be sent. */
export function watch(input, page) {
  let files = [];
  const chosen = () => {
    const all = [...input.files].map(file => ({ file, path: file.webkitRelativePath || file.name }));
    files = all.filter(f => !left.test(f.path));
    const json = JSON.stringify({ skipped: all.length - files.length, files: files.map(f => ({ path: f.path, bytes: f.file.size })) });
    page.invokeMethodAsync('Chosen', DotNet.createJSStreamReference(new TextEncoder().encode(json)));
  };
  input.addEventListener('change', chosen);
  return {
    read: async index => DotNet.createJSStreamReference(new Uint8Array(await files[index].file.arrayBuffer())),
    close: () => input.removeEventListener('change', chosen),
  };
}
