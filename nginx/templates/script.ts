/**
 * /usr/lib/croft/gateway, run as root. `check` copies the certificate of the slot to where nginx may read
 * it and tests the configuration; `reload` does that, reloads, and proves it: nginx leaves old workers
 * running when it refuses a reload, with every exit code at 0.
 */
export const SCRIPT = String.raw`#!/bin/sh
# Written by croft: gateway check | gateway reload (within 5 s, or it fails).
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
umask 022
run=/run/croft-gateway
status=http://{{status}}/croft
slot=/etc/croft/slots/gateway-certificate/current

say() { echo "gateway: $*" >&2; }

# The folder belongs to root, so nothing that nginx could plant is ever followed.
copy_certificate() {
  install -d -m 0755 -o root -g root "$run" && install -d -m 0750 -o root -g www-data "$run/tls" || return 1
  for name in chain.pem key.pem; do
    install -m 0440 -o root -g www-data "$slot/$name" "$run/tls/$name.new" && mv "$run/tls/$name.new" "$run/tls/$name" || return 1
  done
}

{{#if keys}}
# Keys that the gateway adds to requests: worker processes may read them, nobody else.
copy_keys() {
  install -d -m 0750 -o root -g www-data "$run/keys" || return 1
  for file in /etc/croft/slots/gateway-keys/current/*.conf; do
    [ -e "$file" ] || continue
    name=$(basename "$file")
    install -m 0440 -o root -g www-data "$file" "$run/keys/$name.new" && mv "$run/keys/$name.new" "$run/keys/$name" || return 1
  done
}
{{/if}}

test_configuration() {
  ulimit -n 32768 2>/dev/null || true
  setpriv --reuid=www-data --regid=www-data --clear-groups --no-new-privs --bounding-set=-all,+net_bind_service \
    --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service \
    /usr/sbin/nginx -t -q -c /etc/croft/gateway/nginx.conf
}

copy_certificate || { say 'the certificate cannot be copied'; exit 1; }
{{#if keys}}
copy_keys || { say 'the keys cannot be copied'; exit 1; }
{{/if}}
test_configuration || { say 'the configuration is refused, the old one stays'; exit 1; }
[ "$1" = reload ] || exit 0

token=$(cat /proc/sys/kernel/random/uuid)
wanted=$(cat /etc/croft/gateway/config-hash) || exit 1
printf 'location = /croft/reload { return 200 "%s"; }\n' "$token" > "$run/reload.conf.new" || exit 1
mv "$run/reload.conf.new" "$run/reload.conf" || exit 1
kill -HUP "$MAINPID" || exit 1

ask() { curl --silent --fail --max-time 1 "$status/$1"; }
first() { sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p; /-----END CERTIFICATE-----/q'; }
# Compared byte by byte with the slot, which proves more than any chain of trust.
served() {
  curl --silent --insecure --max-time 1 --connect-to ::127.0.0.1:{{https}} --output /dev/null \
    --write-out '%{certs}' 'https://{{host}}/.well-known/croft' | first
}

missing=
deadline=$(($(date +%s) + 5))
while [ "$(date +%s)" -le "$deadline" ]; do
  missing=
  [ "$(ask reload)" = "$token" ] || missing='no new worker answers'
  [ -n "$missing" ] || [ "$(ask config)" = "$wanted" ] || missing='another configuration is served'
  [ -n "$missing" ] || [ "$(served)" = "$(first < "$slot/chain.pem")" ] || missing='another certificate is served'
  [ -n "$missing" ] || exit 0
  sleep 0.05
done
say "not taken over within 5 s: $missing; the old workers go on"
exit 1
`;
