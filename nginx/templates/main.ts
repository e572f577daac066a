/**
 * nginx.conf: limits, logs, TLS, and the servers that answer for no host of the site. Of an upstream the slot says only
 * where it is; `[f]` makes a pattern of the name, which may match nothing: before the first release the answer is 502.
 * Node closes idle connections after 5 s: the gateway lets go before, so that none breaks under a POST.
 */
export const MAIN = String.raw`# Written by croft.
worker_processes auto;
worker_shutdown_timeout 30s;
pid /run/croft-gateway/nginx/nginx.pid;
error_log stderr warn;

events {
    worker_connections 8192;
}

http {
    server_names_hash_bucket_size 256;
    map_hash_bucket_size 128;
    include /etc/nginx/mime.types;
    types {
        application/manifest+json webmanifest;
        text/javascript mjs;
    }
    default_type application/octet-stream;
    charset utf-8;
    charset_types text/plain text/css text/xml application/javascript text/javascript;

    # Text after "?" may hold secrets and is not logged.
    map $request_uri $croft_path {
        "~^(?<croft_plain_path>[^?]*)" $croft_plain_path;
    }
    log_format croft escape=json '{"time":"$time_iso8601","id":"$request_id","client":"$remote_addr",'
        '"method":"$request_method","host":"$host","path":"$croft_path","protocol":"$server_protocol",'
        '"status":"$status","bytes":"$body_bytes_sent","seconds":"$request_time","tls":"$ssl_protocol",'
        '"upstream":"$upstream_addr","upstreamStatus":"$upstream_status","upstreamSeconds":"$upstream_response_time",'
        '"agent":"$http_user_agent"}';
    access_log {{accessLog}} croft;
{{#each behind}}
    set_real_ip_from {{this}};
{{/each}}
{{#if proxied}}
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
{{/if}}
    # Lines about a request quote it whole; why an upstream failed stands in the access log.
    error_log stderr crit;

    server_tokens off;
    absolute_redirect off;
    sendfile on;
    tcp_nopush on;

    # A reload must not cut idle connections that are about to carry a request.
    keepalive_min_timeout 5s;
    keepalive_timeout 65s;
    keepalive_requests 10000;
    client_header_timeout 10s;
    client_body_timeout 15s;
    send_timeout 30s;
    reset_timedout_connection on;
    client_max_body_size 1m;
    client_header_buffer_size 4k;
    large_client_header_buffers 4 8k;
    limit_conn_zone $binary_remote_addr zone=clients:4m;
    limit_conn clients 1024;
    limit_conn_status 429;
    limit_req_status 429;
{{rules}}
    client_body_temp_path /var/cache/croft-gateway/body;
    proxy_temp_path /var/cache/croft-gateway/proxy;
    fastcgi_temp_path /var/cache/croft-gateway/fastcgi;
    uwsgi_temp_path /var/cache/croft-gateway/uwsgi;
    scgi_temp_path /var/cache/croft-gateway/scgi;

    http2 on;
    ssl_certificate /run/croft-gateway/tls/chain.pem;
    ssl_certificate_key /run/croft-gateway/tls/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
    ssl_prefer_server_ciphers off;
    ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;
    ssl_session_timeout 1d;
    ssl_session_cache shared:croft:10m;
    ssl_session_tickets off;

    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_comp_level 5;
    gzip_min_length 1024;
    gzip_types text/plain text/css text/xml text/javascript application/javascript application/json application/manifest+json application/xml application/wasm image/svg+xml font/ttf;

    # Headers of a server stay when a location adds its own.
    add_header_inherit merge;

    # Spellings that two programs could read differently never reach a route.
    map $request_uri $croft_refused {
        default 0;
        "~^[^?]*(?://|/(?:\.|%20)+(?:[/?]|$)|;|\x5c)" 1;
        "~*^[^?]*%(?:2e|2f|5c|3b|3f|23|25|0[0-9a-f]|1[0-9a-f]|7f)" 1;
        # Signs written longer than UTF-8 allows: to some a dot or a slash.
        "~*^[^?]*%(?:c[01]|e0%[89]|f0%8|f[5-9a-f])" 1;
        "~^[^?]*(?:[\xc0\xc1\xf5-\xff]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f])" 1;
        "~^[^/]" 1;
    }
    # Where a path is the name of an object, every other sign may stand in it.
    map $request_uri $croft_refused_s3 {
        default 0;
        "~^[^?]*(?://|\x5c)" 1;
        "~*^[^?]*/(?:\.|%2e){1,2}(?:[/?]|$)" 1;
        "~*^[^?]*%(?:2f|5c|0[0-9a-f]|1[0-9a-f]|7f|c[01]|e0%[89]|f0%8|f[5-9a-f])" 1;
        "~^[^?]*(?:[\xc0\xc1\xf5-\xff]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f])" 1;
        "~^[^/]" 1;
    }
    # What a single-page site answers for paths without an extension.
    map $uri $croft_page {
        volatile;
        default /index.html;
        "~\.[^/]*$" $uri;
    }
    # A name that carries a hash of its content never changes.
    map $uri $croft_cache {
        volatile;
        default "no-cache";
        "~^/assets/.*[.-](?=[^./-]*[0-9A-Z])[A-Za-z0-9_]{8,}(?:\.[a-z0-9]+)+$" "public, max-age=31536000, immutable";
    }
    map $upstream_http_content_security_policy $croft_upstream_policy {
        default "";
        "" "frame-ancestors 'none'";
    }
    # A page that is opened, not something that a page fetches.
    map "$request_method $http_sec_fetch_mode $http_accept" $croft_navigates {
        default "";
        "~^GET (?:navigate )" 1;
        "~^GET  .*text/html" 1;
    }
{{#if gate}}
    # In memory, and open to nginx alone: tokens are the names of what lies there.
    proxy_cache_path /run/croft-gateway/nginx/answers keys_zone=croft-answers:1m max_size=16m inactive=10s use_temp_path=off;
    upstream croft-gate {
        server unix:/run/croft-gate/gate.sock;
        keepalive 16;
    }
{{/if}}
{{services}}{{#each upstreams}}
    upstream {{this}} {
        zone {{this}} 64k;
        server 127.0.0.1:1 down;
        include /etc/croft/slots/traffic-{{this}}/current/server.con[f];
        keepalive 32;
        keepalive_timeout 4s;
        keepalive_requests 10000;
    }
{{/each}}

    server {
        listen {{http}} default_server;
        server_name _;
        include /etc/croft/gateway/unknown-host.conf;
    }
    server {
        listen {{https}} ssl default_server;
        server_name _;
        location = /.well-known/croft {
            access_log off;
            return 204;
        }
        include /etc/croft/gateway/unknown-host.conf;
    }
    server {
        listen {{status}};
        server_name _;
        access_log off;
        default_type text/plain;
        location = /croft/config { return 200 "{{hash}}\n"; }
        location = /croft/health { return 200 "ok\n"; }
        location = /croft/connections { stub_status; }
        include /run/croft-gateway/reload*.conf;
        location / { return 404; }
    }
{{#each hosts}}
    include /etc/croft/gateway/sites/{{this}}.conf;
{{/each}}
}
`;
