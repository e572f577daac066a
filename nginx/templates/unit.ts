/**
 * croft-gateway.service. Nothing of nginx runs as root: the two lines with a plus copy the key for it,
 * from the slot that only root can read, and prove a reload.
 */
export const UNIT = `[Unit]
Description=croft gateway (nginx)
Documentation=https://nginx.org/en/docs/
After=network.target
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=forking
PIDFile=/run/croft-gateway/nginx/nginx.pid
User=www-data
Group=www-data
ExecStartPre=+/usr/lib/croft/gateway check
ExecStart=/usr/sbin/nginx -c /etc/croft/gateway/nginx.conf
ExecReload=+/usr/lib/croft/gateway reload
KillSignal=SIGQUIT
KillMode=mixed
TimeoutStartSec=20
TimeoutStopSec=35
Restart=on-failure
RestartSec=1
LimitNOFILE=32768
TasksMax=128
LogRateLimitIntervalSec=0
RuntimeDirectory=croft-gateway/nginx
RuntimeDirectoryMode=0755
ReadWritePaths=/var/cache/croft-gateway
UMask=0077

CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
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
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
