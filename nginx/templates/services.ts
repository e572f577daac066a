/**
 * A place of a published service. The address goes on as it came, since signatures of requests cover it, and so does the
 * body while it comes.
 */
export const SERVICE = String.raw`{{#if shared}}
        add_header Access-Control-Allow-Origin $croft_origin_{{origins}} always;
        add_header Access-Control-Allow-Methods $croft_preflight_{{origins}} always;
        add_header Access-Control-Allow-Headers $croft_preflight_headers always;
        add_header Access-Control-Expose-Headers "ETag, Content-Range, Accept-Ranges" always;
        add_header Vary Origin always;
        proxy_hide_header Vary;
        set $croft_preflight_headers "";
        if ($croft_preflight_{{origins}}) {
            set $croft_preflight_headers "Content-Type, Content-MD5, Range, X-Amz-Checksum-Crc32, X-Amz-Content-Sha256";
            return 204;
        }
{{/if}}
{{#if free}}
        # "1" outside, nothing inside: there every method is allowed and nothing is demanded.
{{#if limited}}
        set $croft_refusal $croft_outside_{{inside}};
        if ($request_method !~ "^(?:{{pattern}})$") {
            set $croft_refusal "$croft_refusal-";
        }
        if ($croft_refusal ~ "^1-") {
            return 405;
        }
{{/if}}
{{#if demanding}}
        set $croft_refusal $croft_outside_{{inside}};
{{#each demands}}
        if ($arg_{{this}} = "") {
            set $croft_refusal "$croft_refusal-";
        }
{{/each}}
        if ($croft_refusal ~ "^1-") {
            return 403;
        }
{{/if}}
{{else}}
{{#if limited}}
        if ($request_method !~ "^(?:{{pattern}})$") {
            return 405;
        }
{{/if}}
{{#each demands}}
        if ($arg_{{this}} = "") {
            return 403;
        }
{{/each}}
{{/if}}
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
        # A large object goes out as fast as it is taken, and never by way of a file.
        proxy_max_temp_file_size 0;
{{#if s3}}
        gzip off;
        charset off;
        proxy_set_header Origin "";
        proxy_hide_header Access-Control-Allow-Origin;
        proxy_hide_header Access-Control-Allow-Methods;
        proxy_hide_header Access-Control-Allow-Headers;
        proxy_hide_header Access-Control-Allow-Credentials;
        proxy_hide_header Access-Control-Expose-Headers;
{{/if}}
`;

export const SERVICE_UPSTREAM = String.raw`{{#each inside}}
    geo $croft_outside_{{name}} {
        default 1;
{{#each ranges}}
        {{this}} "";
{{/each}}
    }
{{/each}}
{{#each origins}}
    map $http_origin $croft_origin_{{name}} {
        default "";
{{#each origins}}
        "{{this}}" $http_origin;
{{/each}}
    }
    map "$request_method $croft_origin_{{name}}" $croft_preflight_{{name}} {
        default "";
        "~^OPTIONS h" "{{methods}}";
    }
{{/each}}
{{#each services}}
    upstream {{name}} {
        zone {{name}} 64k;
        server {{address}}:{{port}} max_fails=0;
        keepalive 32;
        keepalive_timeout 4s;
    }
{{/each}}
`;
