/**
 * /usr/lib/croft/gateway-reload. A reload that nginx refuses leaves the old workers running and every
 * exit code at 0; this script exits 0 only when the new configuration and certificate are served.
 */
export const RELOAD = String.raw`#!/bin/sh
# Written by croft: reloads the gateway and proves it within 5 s.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
run=/run/croft-gateway
status=http://{{status}}/croft
certificate=/etc/croft/slots/gateway-certificate/current/chain.pem

say() { echo "gateway reload: $*" >&2; }

/usr/sbin/nginx -t -q -c /etc/croft/gateway/nginx.conf || { say 'the configuration is refused, the old one stays'; exit 1; }

pid=$(cat "$run/nginx.pid") || exit 1
token=$(cat /proc/sys/kernel/random/uuid)
wanted=$(cat /etc/croft/gateway/config-hash) || exit 1
printf 'location = /croft/reload { return 200 "%s"; }\n' "$token" > "$run/reload.conf.new" || exit 1
mv "$run/reload.conf.new" "$run/reload.conf" || exit 1
kill -HUP "$pid" || exit 1

ask() { curl --silent --show-error --fail --max-time 1 "$status/$1" 2>/dev/null; }
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
  [ -n "$missing" ] || [ "$(served)" = "$(first < "$certificate")" ] || missing='another certificate is served'
  [ -n "$missing" ] || exit 0
  sleep 0.05
done
say "not taken over within 5 s: $missing; the old workers go on"
exit 1
`;
