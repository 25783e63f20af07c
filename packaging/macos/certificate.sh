#!/bin/sh
# Puts the certificate (PKCS #12, as base64) in CERTIFICATE into a key chain of its own, and tells
# the steps that follow by what name it signs.
set -eu
chain="$RUNNER_TEMP/initviz.keychain-db"
password="$(uuidgen)"
file="$RUNNER_TEMP/certificate.p12"
printf %s "$CERTIFICATE" | base64 --decode > "$file"
security create-keychain -p "$password" "$chain"
security set-keychain-settings -lut 21600 "$chain"
security unlock-keychain -p "$password" "$chain"
security import "$file" -k "$chain" -P "$CERTIFICATE_PASSWORD" -T /usr/bin/codesign
rm "$file"
security set-key-partition-list -S apple-tool:,apple: -s -k "$password" "$chain" > /dev/null
security list-keychains -d user -s "$chain" login.keychain-db
identity="$(security find-identity -v -p codesigning "$chain" | sed -n 's/.*"\(.*\)"/\1/p' | head -n 1)"
test -n "$identity"
echo "INITVIZ_SIGNING_IDENTITY=$identity" >> "$GITHUB_ENV"
