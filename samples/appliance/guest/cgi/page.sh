# Sourced by the scripts in cgi-bin: the head of a page, and the calls to the console.
. /bin/console.sh
. /run/settings
answer=/run/answer.$$
trap 'rm -f $answer $answer.raw' EXIT
page() {
  printf 'Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\r\n'
  printf '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title><link rel="stylesheet" href="../style.css"><h1>%s</h1>' "$1" "$1"
}
page_end() { printf '<script src="../quarterdeck-bridge.js"></script><script src="../light.js"></script></html>\n'; }
