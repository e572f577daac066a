# asks: wants 200
answer=$(curl -sS --cacert /var/lib/croft/root.pem --resolve www.shop.test:443:10.91.0.11 --fail-with-body "https://www.shop.test/config.json")
issuer=$(printf %s "$answer" | node -pe 'JSON.parse(require("fs").readFileSync(0)).issuer')
# logs in: the provider's page, its form, the code that comes back, the token
jar=$(mktemp)
verifier=$(node -pe 'require("crypto").randomBytes(32).toString("base64url")')
challenge=$(printf %s "$verifier" | node -pe 'require("crypto").createHash("sha256").update(require("fs").readFileSync(0)).digest("base64url")')
page=$(curl -sS --cacert /var/lib/croft/root.pem --resolve auth.shop.test:443:10.91.0.11 --resolve www.shop.test:443:10.91.0.11 -c "$jar" -G -d response_type=code -d scope=openid -d code_challenge_method=S256 -d "code_challenge=$challenge" --data-urlencode "client_id=shop" --data-urlencode "redirect_uri=https://www.shop.test/login" "${issuer}/protocol/openid-connect/auth")
form=$(printf %s "$page" | sed -n 's/.*action="\([^"]*\)".*/\1/p' | head -n 1 | sed 's/&amp;/\&/g')
back=$(printf %s "$CROFT_PASSWORD" | curl -sS --cacert /var/lib/croft/root.pem --resolve auth.shop.test:443:10.91.0.11 --resolve www.shop.test:443:10.91.0.11 -b "$jar" -o /dev/null -w '%{redirect_url}' --data-urlencode "username=ann" --data-urlencode password@- "$form")
code=$(printf %s "$back" | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
token=$(curl -sS --cacert /var/lib/croft/root.pem --resolve auth.shop.test:443:10.91.0.11 --resolve www.shop.test:443:10.91.0.11 -d grant_type=authorization_code -d "code=$code" -d "code_verifier=$verifier" --data-urlencode "client_id=shop" --data-urlencode "redirect_uri=https://www.shop.test/login" "${issuer}/protocol/openid-connect/token" | node -pe 'JSON.parse(require("fs").readFileSync(0)).access_token')
rm -f "$jar"
# buys: wants 200 or 201
curl -sS --cacert /var/lib/croft/root.pem --resolve www.shop.test:443:10.91.0.11 -o /dev/null -w '%{http_code} %{method} %{url}\n' -X POST -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" --data-raw "{\"word\":\"a \\\"quoted\\\" \$HOME \`id\` \\\\ ${token} {other}\"}" "https://www.shop.test/orders/{id}"
# sends: wants 200
printf %s aGk= | base64 -d | curl -sS --cacert /var/lib/croft/root.pem --resolve www.shop.test:443:10.91.0.11 -o /dev/null -w '%{http_code} %{method} %{url}\n' -F "photo=@-;type=image/png;filename=a.png" "https://www.shop.test/files"
