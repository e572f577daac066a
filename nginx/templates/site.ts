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
