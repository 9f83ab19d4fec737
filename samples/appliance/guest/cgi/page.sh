# Sourced by the scripts in cgi-bin: head and foot of a page, and a list of events.
. /bin/console.sh
answer=/run/answer.$$
trap 'rm -f $answer' EXIT
page() {
  printf 'Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\r\n'
  printf '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title><link rel="stylesheet" href="../style.css"><h1>%s</h1>' "$1" "$1"
}
page_end() { printf '<script src="../quarterdeck-bridge.js"></script><script src="../light.js"></script></html>\n'; }
list() {
  [ -n "$1" ] || { printf '<p>Nothing since the start.</p>'; return; }
  printf '<ul>'
  printf '%s\n' "$1" | tac | while read -r line; do
    line=$(printf %s "$line" | sed 's/.*"event":"\([^"]*\)","at":"\([^"]*\)".*"name":"\([^"]*\)".*/\2 \1 \3/')
    printf '<li>%s</li>' "$(html "$line")"
  done
  printf '</ul>'
}
