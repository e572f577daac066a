/** croft-gateway.service. The master stays root to read the key at each reload; workers are www-data. */
export const UNIT = `[Unit]
Description=croft gateway (nginx)
Documentation=https://nginx.org/en/docs/
After=network.target
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=forking
PIDFile=/run/croft-gateway/nginx.pid
ExecStartPre=/usr/sbin/nginx -t -q -c /etc/croft/gateway/nginx.conf
ExecStart=/usr/sbin/nginx -c /etc/croft/gateway/nginx.conf
ExecReload=/usr/lib/croft/gateway-reload
KillSignal=SIGQUIT
KillMode=mixed
TimeoutStartSec=20
TimeoutStopSec=35
Restart=on-failure
RestartSec=1
LimitNOFILE=32768
TasksMax=128
LogRateLimitIntervalSec=0
RuntimeDirectory=croft-gateway
RuntimeDirectoryMode=0755
ReadWritePaths=/var/cache/croft-gateway
UMask=0077

CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateMounts=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
KeyringMode=private
DevicePolicy=closed
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@resources @privileged
SystemCallFilter=setuid setgid setgroups
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
