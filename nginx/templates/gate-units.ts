/** The gate's units. It reads its secrets as credentials, sees no other process, and speaks to nginx and issuers alone. */
import { NODE_SANDBOX } from "../../provisioner/machine/sandbox.ts";

export const GATE_SOCKET = `[Unit]
Description=croft gate: where nginx asks

[Socket]
ListenStream=/run/croft-gate/gate.sock
SocketMode=0660
SocketUser=root
SocketGroup=www-data
DirectoryMode=0755
Backlog=1024

[Install]
WantedBy=sockets.target
`;

export const GATE_SERVICE = `[Unit]
Description=croft gate: who sends a request
Requires=croft-gate.socket
After=network.target croft-gate.socket
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=exec
ExecStart=/usr/local/bin/node /usr/lib/croft/gate/main.ts /etc/croft/gate/config.json
Environment=NODE_ENV=production
Environment=NODE_EXTRA_CA_CERTS=/etc/croft/authority.pem
LoadCredential=secrets:/etc/croft/slots/gate/current
DynamicUser=yes
TimeoutStopSec=20
Restart=on-failure
RestartSec=1
MemoryMax=256M
TasksMax=128
LimitNOFILE=16384
UMask=0077
${NODE_SANDBOX}

[Install]
WantedBy=multi-user.target
`;
