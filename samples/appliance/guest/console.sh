# The plug-in's side of docs/plugin-protocol.md: environment, enrolment, heartbeats. Sourced by init.
manifest=/etc/quarterdeck-plugin.json
version=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' $manifest)
ca=/run/console-ca.pem
identity=/data/identity   # lines: plugin id, bearer token, seconds between heartbeats
webhook=/data/webhook     # the secret that events are signed with

# property FILE KEY: a property's value, its XML escapes resolved
property() {
  sed -n "s/.*oe:key=\"$2\" oe:value=\"\([^\"]*\)\".*/\1/p" "$1" | sed 's/&#xD;//g; s/&#x9;/\t/g; s/&#xA;/\n/g; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g'
}
html() { printf %s "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }

read_environment() {
  console_url=$(property "$1" quarterdeck.console.url)
  instance=$(property "$1" quarterdeck.plugin.instance)
  enrolment_token=$(property "$1" quarterdeck.enrolment.token)
  greeting=$(property "$1" greeting)
  admin_password=$(property "$1" admin.password)
  property "$1" quarterdeck.console.ca >$ca
}

# call METHOD PATH BODY-FILE [BEARER]: prints the answer's status, leaves its body in $answer. HTTP/1.0, so that the answer comes unchunked.
# No answer is status 000: the console is away, or it is not the one whose certificate authority we were given.
answer=/run/answer
call() {
  authority=${console_url#https://}; authority=${authority%%/*}
  host=${authority%:*}; [ "$host" != "$authority" ] || authority=$host:443
  case $host in *[!0-9.]*) expect="-verify_hostname $host -servername $host" ;; *) expect="-verify_ip $host -noservername" ;; esac
  { printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n' "$1" "$2" "$authority" "$(stat -c %s "$3")"
    [ -z "$4" ] || printf 'Authorization: Bearer %s\r\n' "$4"
    printf '\r\n'; cat "$3"; } |
    timeout 20 openssl s_client -quiet -verify_quiet -verify_return_error -no-CApath -no-CAstore -CAfile $ca $expect -connect "$authority" 2>/dev/null >$answer.raw
  sed '1,/^\r*$/d' $answer.raw >$answer
  status=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' $answer.raw); echo "${status:-000}"
}
# member NAME: a string or number of the last answer
member() { tr -d '\n' <$answer | sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; }

has_identity() { [ -s $identity ] && { read -r plugin_id && read -r bearer && read -r interval; } <$identity; }
keep_identity() {   # the rename is what makes it whole or absent after a power cut
  printf '%s\n%s\n%s\n' "$plugin_id" "$bearer" "$interval" >$identity.new && sync && mv $identity.new $identity && sync
}

keep_webhook() { secret=$(member webhookSecret); case $secret in qdw_*) printf %s "$secret" >$webhook.new && mv $webhook.new $webhook ;; esac; }

# The pages are files with words to fill in.
prepare_pages() {
  starts=$(($(cat /data/starts 2>/dev/null) + 1)); echo $starts >/data/starts; echo "$version" >>/data/versions
  # filled in by awk, where nothing in a value is special
  GREETING=$(html "$greeting") VERSION=$version STARTS=$starts INSTANCE=$(html "$instance") CONSOLE=$(html "$console_url"); export GREETING VERSION STARTS INSTANCE CONSOLE
  for page in /www/*.html; do
    awk '{ done = ""; while (match($0, /@[A-Z]+@/)) { done = done substr($0, 1, RSTART - 1) ENVIRON[substr($0, RSTART + 1, RLENGTH - 2)]; $0 = substr($0, RSTART + RLENGTH) } print done $0 }' "$page" >/run/page && cat /run/page >"$page"
  done
  printf '{"status":"starting"}\n' >/www/health
}

# Prepared before the network is there: it costs time under emulation.
prepare_enrolment() {
  [ -n "$enrolment_token" ] || return 0
  # The nonce is the same at each try, also after a power cut: so an enrolment whose answer got lost may be repeated.
  [ -s /data/nonce ] || head -c 24 /dev/urandom | xxd -p | tr -d '\n' >/data/nonce
  printf '{"token":"%s","instance":"%s","nonce":"%s","manifest":%s,"manifestDigest":"%s"}' "$enrolment_token" "$instance" "$(cat /data/nonce)" "$(cat $manifest)" "$(sha256sum $manifest | cut -d' ' -f1)" >/run/enrolment
}

enrol() {
  [ -s /run/enrolment ] || { say "no identity and no enrolment token: install this appliance anew"; while :; do sleep 3600; done; }
  pause=1
  while :; do
    status=$(call POST /api/v1/plugins/enrolments /run/enrolment)
    case $status in
      201) break ;;
      000 | 429 | 5??) say "enrolment: no luck ($status), again in $pause s"; sleep $pause; pause=$((pause * 2)); [ $pause -le 15 ] || pause=15 ;;
      *) say "enrolment refused ($status): $(cat $answer)"; while :; do sleep 3600; done ;;
    esac
  done
  plugin_id=$(member pluginId); bearer=$(member token); interval=$(member heartbeatSeconds)
  keep_webhook; keep_identity
  rm -f /run/enrolment /data/nonce; enrolment_token=
  say "enrolled as $plugin_id"
}

heartbeats() {
  health='{"state":"healthy","reason":null}'
  [ ! -e /etc/broken ] || health='{"state":"failed","reason":"The lamp does not light: this build is broken on purpose."}'
  last= beats=0
  while :; do
    # A version that brings a webhook along asks for its secret, as it does not enrol.
    [ -s $webhook ] && ask=false || ask=true
    printf '{"health":%s,"version":"%s","askWebhookSecret":%s}' "$health" "$version" $ask >/run/heartbeat
    status=$(call POST "/api/v1/plugins/$plugin_id/heartbeat" /run/heartbeat "$bearer")
    [ "$status" = "$last" ] || say "heartbeat: $status"; last=$status
    [ ! -e /etc/broken ] || { beats=$((beats + 1)); [ $beats -lt 3 ] || poweroff -f; }
    case $status in
      200)
        keep_webhook
        renewed=$(member token); [ -z "$renewed" ] || { bearer=$renewed; keep_identity; }
        seconds=$(member heartbeatSeconds); sleep "${seconds:-$interval}" ;;
      401) sleep 60 ;;   # disabled: an administrator may enable it again
      *) sleep "$interval" ;;
    esac
  done
}

# The password property is gone from the environment after enrolment: its hash is kept beside the identity.
protect_administration() {
  if [ -n "$admin_password" ]; then mkpasswd -m sha512 "$admin_password" >/data/admin.new && mv /data/admin.new /data/admin; fi
  printf '/admin:admin:%s\n' "$(cat /data/admin 2>/dev/null || echo '*')" >/etc/httpd.conf
  admin_password=
}
