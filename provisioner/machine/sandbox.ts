/** What a program that only talks over sockets may do: `systemd-analyze security` finds 1.3 with it. Pure. */

export type SandboxNeeds = {
  /** Reads /proc beyond its own processes: sizes of memory and CPUs. */
  readonly system?: boolean;
  /** Asks the kernel for its interfaces. */
  readonly netlink?: boolean;
  /** Its compiler needs memory that it can both write and run. */
  readonly compiles?: boolean;
};

/** Lines of a unit's `[Service]`; which paths and addresses are closed, the unit says itself. */
export const renderSandbox = ({ system = false, netlink = false, compiles = false }: SandboxNeeds): string => `NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
${system ? "" : "ProcSubset=pid\n"}PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX${netlink ? " AF_NETLINK" : ""}
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
${compiles ? "" : "MemoryDenyWriteExecute=yes\n"}SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
DevicePolicy=closed
KeyringMode=private`;

/** For a program on Node. */
export const NODE_SANDBOX = `${renderSandbox({ compiles: true })}
InaccessiblePaths=-/etc/croft/secrets -/etc/ssh`;
