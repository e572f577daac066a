/** What the rules of routes become. */

/** In the main file. */
export const MAIN_RULES = String.raw`{{#each rates}}
    limit_req_zone $binary_remote_addr zone=rate-{{zone}}:4m rate={{rate}}r/{{#if minute}}m{{else}}s{{/if}};
{{/each}}
{{#each connections}}
    limit_conn_zone $binary_remote_addr zone=connections-{{zone}}:4m;
{{/each}}
{{#each cors}}
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
`;

export const CORS = String.raw`        add_header Access-Control-Allow-Origin $croft_origin_{{name}} always;
        add_header Access-Control-Allow-Methods $croft_preflight_{{name}} always;
        add_header Access-Control-Allow-Headers $croft_preflight_headers always;
        add_header Vary Origin always;
        set $croft_preflight_headers "";
        if ($croft_preflight_{{name}}) {
            set $croft_preflight_headers "Authorization, Content-Type";
            return 204;
        }
`;

export const RATE = String.raw`        limit_req zone=rate-{{zone}} burst={{burst}} nodelay;
`;

export const CONNECTIONS = String.raw`        limit_conn connections-{{zone}} {{connections}};
`;

export const LIMITS = String.raw`        client_max_body_size {{bytes}};
`;

/** The gate answers 503 where nobody can tell; auth_request makes 500 of everything but yes and no. */
export const AUTH = String.raw`        auth_request "/_croft/gate/{{policy}}";
        auth_request_set $croft_subject $upstream_http_x_auth_subject;
        auth_request_set $croft_roles $upstream_http_x_auth_roles;
        auth_request_set $croft_email $upstream_http_x_auth_email;
{{#if session}}
        auth_request_set $croft_cookie $upstream_http_x_croft_cookie;
        auth_request_set $croft_set_cookie $upstream_http_set_cookie;
        add_header Set-Cookie $croft_set_cookie always;
        error_page 401 = @sign-in;
{{/if}}
        error_page 500 =503 @error-503;
        include /etc/croft/gateway/error-pages.conf;
`;

export const CACHE = String.raw`        proxy_hide_header Cache-Control;
        proxy_hide_header Expires;
        proxy_hide_header Pragma;
        add_header Cache-Control "{{value}}"{{#if always}} always{{/if}};
`;

export const TIMES = String.raw`        proxy_send_timeout {{seconds}}s;
        proxy_read_timeout {{seconds}}s;
{{#if streamed}}
        proxy_request_buffering off;
{{/if}}
{{#if person}}
        proxy_set_header X-Auth-Subject $croft_subject;
        proxy_set_header X-Auth-Roles $croft_roles;
        proxy_set_header X-Auth-Email $croft_email;
{{/if}}
{{#if session}}
        proxy_set_header Cookie $croft_cookie;
        proxy_set_header Authorization "";
{{/if}}
{{#if cors}}
        proxy_hide_header Access-Control-Allow-Origin;
        proxy_hide_header Access-Control-Allow-Methods;
        proxy_hide_header Access-Control-Allow-Headers;
        proxy_hide_header Access-Control-Allow-Credentials;
{{/if}}
{{#if key}}
        proxy_set_header {{header}} "";
        include /run/croft-gateway/keys/{{app}}.con[f];
{{/if}}
`;

/** On each host whose routes ask the gate. */
export const GATE_PLACES = String.raw`{{#each gates}}
    location = "/_croft/gate/{{policy}}" {
        internal;
        # Of the body the gate hears nothing, so its size is the route's affair alone.
        client_max_body_size 0;
{{#unless session}}
        # Kept for as long as the gate says. The token and the route's policy are all that its answer depends on.
        proxy_cache croft-answers;
        proxy_cache_key "{{policy}} $http_authorization";
        open_file_cache max=1000 inactive=10s;
        open_file_cache_valid 5s;
{{/unless}}
        include /etc/croft/gateway/gate.conf;
        proxy_set_header X-Croft-Policy "{{policy}}";
        proxy_pass http://croft-gate/check;
    }
{{/each}}
{{#each sessions}}
    location "/_croft/session/" {
        include /etc/croft/gateway/gate.conf;
        proxy_set_header X-Croft-Policy "{{policy}}";
        proxy_pass http://croft-gate/;
    }
    location @sign-in {
        add_header Cache-Control "no-store" always;
        add_header Set-Cookie $croft_set_cookie always;
        if ($croft_navigates = "") {
            return 401 '{"errors":{"message":["sign in first"]}}\n';
        }
        return 302 "/_croft/session/login?to=$request_uri";
    }
{{/each}}
`;

export const GATE_OPTIONS = `proxy_http_version 1.1;
proxy_pass_request_body off;
proxy_set_header Content-Length "";
proxy_set_header Connection "";
proxy_set_header Host $host;
proxy_set_header X-Request-Id $request_id;
proxy_set_header X-Croft-Method $request_method;
proxy_connect_timeout 900ms;
proxy_read_timeout 15s;
proxy_buffer_size 16k;
proxy_buffers 4 16k;
`;
