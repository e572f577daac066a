/** The servers of one host, and the bodies of its locations. */
export const SITE = String.raw`# Written by croft: {{host}}
server {
    listen {{http}};
    server_name {{host}};
    location / {
        return 308 https://{{host}}$request_uri;
    }
}
server {
    listen {{https}} ssl;
    server_name {{host}};
    include /etc/croft/gateway/headers.conf;
    include /etc/croft/gateway/errors{{#if s3}}-s3{{/if}}.conf;
    set $croft_allow "";
{{#if pages}}
    set $croft_policy "{{policy}}";
{{/if}}
    if ($croft_refused{{#if s3}}_s3{{/if}}) {
        return 400;
    }
    location = /.well-known/croft {
        access_log off;
        return 204;
    }
{{#each locations}}
    location {{#if exact}}= {{/if}}"{{path}}" {
{{body}}    }
{{/each}}
{{gate}}{{#each missing}}
    location @missing-{{name}} {
        root "{{root}}";
        include /etc/croft/gateway/page.conf;
        try_files /404.html @missing;
    }
{{/each}}
{{#if pages}}
    location @missing {
        root /etc/croft/gateway/pages;
        include /etc/croft/gateway/page.conf;
        try_files /missing.html =404;
    }
{{/if}}
}
`;

export const METHODS = String.raw`        if ($request_method !~ "^(?:{{pattern}})$") {
            set $croft_allow "{{allow}}";
            return 405;
        }
`;

export const QUERY = String.raw`        if ($args !~ "{{pattern}}") {
            return 404;
        }
`;

export const PROXY = String.raw`        proxy_pass "http://{{upstream}}{{path}}";
        include /etc/croft/gateway/proxy.conf;
`;

/**
 * Of the request only what can matter for an object goes on: no cookie, no token, nothing a client could name like a header of
 * the gate's. A large object goes out as fast as it is taken, and never by way of a file.
 */
export const BUCKET = String.raw`        proxy_pass "http://croft-gate/bucket/{{name}}{{path}}";
        proxy_http_version 1.1;
        proxy_pass_request_headers off;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Connection "";
        proxy_set_header Host gate;
        proxy_set_header X-Request-Id $request_id;
        proxy_set_header Range $http_range;
        proxy_set_header If-Range $http_if_range;
        proxy_set_header If-Match $http_if_match;
        proxy_set_header If-None-Match $http_if_none_match;
        proxy_set_header If-Modified-Since $http_if_modified_since;
        proxy_set_header If-Unmodified-Since $http_if_unmodified_since;
        proxy_redirect off;
        proxy_connect_timeout 900ms;
        proxy_send_timeout {{seconds}}s;
        proxy_read_timeout {{seconds}}s;
        proxy_buffer_size 16k;
        proxy_buffers 8 16k;
        proxy_max_temp_file_size 0;
        charset off;
        add_header Content-Security-Policy "{{policy}}" always;
`;

export const STATIC = String.raw`        root "{{root}}";
        error_page 404 @missing-{{name}};
        include /etc/croft/gateway/static.conf;
{{#if stripped}}
        rewrite "{{strip}}" "$1" break;
{{/if}}
{{#if exact}}
        try_files $uri =404;
{{else if spa}}
        try_files $uri $croft_page =404;
{{else}}
        try_files $uri $uri/index.html =404;
{{/if}}
`;

export const RETURN = String.raw`        return {{status}};
`;

export const REDIRECT = String.raw`        return {{status}} "{{to}}";
`;
