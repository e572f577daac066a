/**
 * A place of a published service. The address goes on as it came, since signatures of requests cover it, and so does the
 * body while it comes.
 */
export const SERVICE = String.raw`{{#if limited}}
        if ($request_method !~ "^(?:{{pattern}})$") {
            return 405;
        }
{{/if}}
{{#each demands}}
        if ($arg_{{this}} = "") {
            return 403;
        }
{{/each}}
{{#each from}}
        allow {{this}};
{{#if @last}}
        deny all;
{{/if}}
{{/each}}
        client_max_body_size {{bytes}};
        proxy_pass http://{{name}};
        include /etc/croft/gateway/proxy.conf;
        proxy_send_timeout {{seconds}}s;
        proxy_read_timeout {{seconds}}s;
        proxy_request_buffering off;
        proxy_buffer_size 16k;
        proxy_buffers 8 16k;
`;

export const SERVICE_UPSTREAM = String.raw`{{#each services}}
    upstream {{name}} {
        zone {{name}} 64k;
        server {{address}}:{{port}} max_fails=0;
        keepalive 32;
        keepalive_timeout 4s;
    }
{{/each}}
`;
