import { area, text, thrown } from "../check.js";

const page = html => new Response(html, { headers: { "content-type": "text/html" } });
const check = area("HTMLRewriter", "runtime-apis/html-rewriter/");
const rewrite = (html, how) => how(new HTMLRewriter()).transform(page(html)).text();

check("element: getAttribute(), setAttribute(), removeAttribute()", '<a href="https://b" rel="x">l</a>', () => rewrite('<a href="http://b" class="c">l</a>', r => r.on("a", {
  element(e) { e.setAttribute("href", e.getAttribute("href").replace("http:", "https:")); e.removeAttribute("class"); e.setAttribute("rel", "x"); } })));
check("element: before(), after(), prepend(), append()", "1<p>2x3</p>4", () => rewrite("<p>x</p>", r => r.on("p", { element(e) { e.before("1").prepend("2").append("3").after("4"); } })));
check("element: setInnerContent(), replace(), remove(), removeAndKeepContent()", "<p>&lt;i&gt;</p><b>r</b>kept", () => rewrite("<p>x</p><i>y</i><u>z</u><s>kept</s>", r => r
  .on("p", { element(e) { e.setInnerContent("<i>"); } }).on("i", { element(e) { e.replace("<b>r</b>", { html: true }); } })
  .on("u", { element(e) { e.remove(); } }).on("s", { element(e) { e.removeAndKeepContent(); } })));
check("element: tagName, attributes, namespaceURI", ["div", [["id", "a"], ["class", "b"]], "http://www.w3.org/1999/xhtml"], async () => {
  let seen;
  await rewrite('<div id="a" class="b"></div>', r => r.on("div", { element(e) { seen = [e.tagName, [...e.attributes], e.namespaceURI]; e.tagName = "p"; } }));
  return seen;
});
check("element: onEndTag()", "<p>x!</p>", () => rewrite("<p>x</p>", r => r.on("p", { element(e) { e.onEndTag(end => { end.before("!"); }); } })));
check("text", ["one two", true, "<p>ONE TWO</p>"], async () => {
  let all = "", last = false;
  const html = await rewrite("<p>one two</p>", r => r.on("p", { text(t) { all += t.text; last ||= t.lastInTextNode; if (t.text) t.replace(t.text.toUpperCase()); } }));
  return [all, last, html];
});
check("comments", "<!--changed-->", () => rewrite("<!--old-->", r => r.onDocument({ comments(c) { if (c.text === "old") c.text = "changed"; } })));
check("document: doctype, end", ["html", "<!DOCTYPE html>x<!--end-->"], async () => {
  let name;
  const html = await rewrite("<!DOCTYPE html>x", r => r.onDocument({ doctype(d) { name = d.name; }, end(e) { e.append("<!--end-->", { html: true }); } }));
  return [name, html];
});
check("handlers that wait", "<p>later</p>", () => rewrite("<p></p>", r => r.on("p", { async element(e) { await scheduler.wait(1); e.setInnerContent("later"); } })));
check("selectors", "<p class=\"c\" data-a=\"xyz\"></p><p><b>4</b></p><i>5</i>", async () => rewrite('<p class="c" data-a="xyz"></p><p><b></b></p><i></i>', r => r
  .on('p.c[data-a^="x"]', { element(e) { e.hasAttribute("data-a"); } }).on("p > b", { element(e) { e.setInnerContent("4"); } }).on("p ~ i, i:nth-child(3)".split(",")[1].trim(), { element(e) { e.setInnerContent("5"); } })));
check("replacing by a stream", "<p>streamed</p>", () => rewrite("<p></p>", r => r.on("p", { element(e) { e.setInnerContent(new Response("streamed").body); } })));
check("a handler that throws ends the response", "RangeError", () => thrown(() => rewrite("<p></p>", r => r.on("p", { element() { throw new RangeError("no"); } }))));
check("a streamed page is rewritten as it comes", "<b>2</b>", async () => {
  const { readable, writable } = new TransformStream(), writer = writable.getWriter();
  const out = text(new HTMLRewriter().on("b", { element(e) { e.setInnerContent("2"); } }).transform(new Response(readable)).body);
  for (const part of ["<", "b>1<", "/b>"]) await writer.write(new TextEncoder().encode(part));
  await writer.close();
  return out;
});
