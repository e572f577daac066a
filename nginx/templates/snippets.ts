/** Files that the servers of all hosts include. */
import { ERRORS } from "../gate/words.ts";

export const HEADERS = `add_header Strict-Transport-Security "max-age=63072000" always;
add_header X-Content-Type-Options "nosniff" always;
add_header Referrer-Policy "strict-origin-when-cross-origin" always;
add_header Permissions-Policy "camera=(), geolocation=(), microphone=(), payment=(), usb=()" always;
add_header X-Request-Id $request_id always;
# Sent only where a method was refused.
add_header Allow $croft_allow always;
`;

export const POLICY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

export const STATIC_FILES = `if ($uri ~ "/\\.(?!well-known/)") {
    return 404;
}
etag on;
add_header Cache-Control $croft_cache;
add_header Content-Security-Policy $croft_policy always;
include /etc/croft/gateway/error-pages.conf;
`;

/** A page that stands for an error is never kept. */
export const PAGE = `add_header Cache-Control "no-store" always;
add_header Content-Security-Policy "${POLICY}; style-src 'self' 'unsafe-inline'" always;
`;

/** Only the gateway says these; what a client sends under such a name is dropped. nginx can name headers, not match them. */
const OWN_HEADERS = [
  "Cf-Connecting-Ip",
  "Fastly-Client-Ip",
  "Forwarded",
  "Front-End-Https",
  "Proxy",
  "Remote-Email",
  "Remote-Groups",
  "Remote-Name",
  "Remote-User",
  "True-Client-Ip",
  "X-Api-Key",
  "X-Auth-Audience",
  "X-Auth-Client",
  "X-Auth-Email",
  "X-Auth-Groups",
  "X-Auth-Issuer",
  "X-Auth-Name",
  "X-Auth-Request-Access-Token",
  "X-Auth-Request-Email",
  "X-Auth-Request-Groups",
  "X-Auth-Request-Preferred-Username",
  "X-Auth-Request-User",
  "X-Auth-Roles",
  "X-Auth-Scopes",
  "X-Auth-Session",
  "X-Auth-Subject",
  "X-Auth-Tenant",
  "X-Auth-Token",
  "X-Auth-User",
  "X-Authenticated-User",
  "X-Client-Ip",
  "X-Cluster-Client-Ip",
  "X-Croft-Cookie",
  "X-Croft-Method",
  "X-Croft-Policy",
  "X-Forwarded-By",
  "X-Forwarded-Client-Cert",
  "X-Forwarded-Email",
  "X-Forwarded-Groups",
  "X-Forwarded-Method",
  "X-Forwarded-Preferred-Username",
  "X-Forwarded-Prefix",
  "X-Forwarded-Protocol",
  "X-Forwarded-Scheme",
  "X-Forwarded-Server",
  "X-Forwarded-Ssl",
  "X-Forwarded-Uri",
  "X-Forwarded-User",
  "X-Host",
  "X-Http-Method",
  "X-Http-Method-Override",
  "X-Method-Override",
  "X-Original-Host",
  "X-Original-Method",
  "X-Original-Uri",
  "X-Original-Url",
  "X-Remote-Email",
  "X-Remote-Groups",
  "X-Remote-User",
  "X-Rewrite-Url",
  "X-Scheme",
  "X-Url-Scheme",
  "X-User",
  "X-User-Email",
  "X-User-Id",
  "X-User-Name",
  "X-User-Roles",
  "X-Username",
  "X-Webauth-User",
] as const;

/** Only answers of these go out in the gateway's own words. */
const HIDDEN_HEADERS = [
  "Permissions-Policy",
  "Referrer-Policy",
  "Strict-Transport-Security",
  "X-Content-Type-Options",
  "X-Powered-By",
  "X-Request-Id",
] as const;

export const PROXY_OPTIONS = `proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $host;
proxy_set_header X-Request-Id $request_id;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Host $host;
proxy_set_header X-Forwarded-Port 443;
proxy_set_header X-Forwarded-Proto https;
${OWN_HEADERS.map((name) => `proxy_set_header ${name} "";\n`).join("")}${HIDDEN_HEADERS.map((name) => `proxy_hide_header ${name};\n`).join("")}proxy_ignore_headers X-Accel-Redirect X-Accel-Charset;
proxy_redirect off;
proxy_connect_timeout 900ms;
# A request that may have arrived is sent again only where that is harmless: never POST or PATCH.
proxy_next_upstream error timeout;
proxy_next_upstream_tries 2;
proxy_next_upstream_timeout 2s;
add_header Content-Security-Policy $croft_upstream_policy always;
`;

export const ERROR_PAGES = Object.keys(ERRORS)
  .map((code) => `error_page ${code} @error-${code};\n`)
  .join("");

const errorAnswer = ([code, message]: readonly [string, string]): string => `location @error-${code} {
    default_type application/json;
    add_header Cache-Control "no-store" always;
    return ${code} '{"errors":{"message":["${message}"]}}\\n';
}
`;

export const ERROR_ANSWERS = `include /etc/croft/gateway/error-pages.conf;\n${Object.entries(ERRORS).map(errorAnswer).join("")}`;

/** The same in the words of S3, so that its clients can read them. */
const S3_CODES: Readonly<Record<string, string>> = {
  401: "AccessDenied",
  403: "AccessDenied",
  404: "NoSuchBucket",
  405: "MethodNotAllowed",
  413: "EntityTooLarge",
  429: "SlowDown",
  500: "InternalError",
  502: "ServiceUnavailable",
  503: "ServiceUnavailable",
  504: "ServiceUnavailable",
};

const s3Answer = ([status, message]: readonly [string, string]): string => `location @error-${status} {
    default_type application/xml;
    add_header Cache-Control "no-store" always;
    return ${status} '<?xml version="1.0" encoding="UTF-8"?>\\n<Error><Code>${S3_CODES[status] ?? ""}</Code><Message>${message}</Message></Error>\\n';
}
`;

export const S3_ERROR_ANSWERS = `include /etc/croft/gateway/error-pages.conf;\n${Object.entries(ERRORS).map(s3Answer).join("")}`;

export const UNKNOWN_HOST = `error_page 404 /unknown-host.html;
location = /unknown-host.html {
    internal;
    root /etc/croft/gateway/pages;
    include /etc/croft/gateway/page.conf;
}
location / {
    return 404;
}
`;
