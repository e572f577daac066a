/** Files of the identity service. Pure. */
import { renderSandbox } from "../../provisioner/machine/sandbox.ts";
import { CONFIG, ENVIRONMENT, MANAGEMENT_PORT, PORT, PROGRAM, STATE_FOLDER } from "./names.ts";

export type KeycloakInput = {
  readonly memoryBytes: number;
  /** Of its machine. */
  readonly address: string;
  /** Of the gateway's machine: whose forwarded headers are believed. */
  readonly gateway: string;
  /** Full host name, such as `auth.portfolio.test`. */
  readonly host: string;
  readonly database: { readonly host: string; readonly port: string; readonly name: string; readonly user: string };
};

const MIB = 1024 ** 2;
/** Requests that wait for a thread; more are refused at once with 503. */
const QUEUE = 256;
const CONNECTIONS = 20;

export const renderConfig = (input: KeycloakInput): string => {
  const { database } = input;
  return [
    "# Written by croft.",
    `db-url=jdbc:postgresql://${database.host}:${database.port}/${database.name}?sslmode=verify-full&sslrootcert=/etc/croft/authority.pem`,
    `db-username=${database.user}`,
    `db-pool-max-size=${CONNECTIONS}`,
    `hostname=https://${input.host}`,
    `hostname-admin=https://${input.host}`,
    "hostname-strict=true",
    "hostname-backchannel-dynamic=false",
    "http-enabled=true",
    `http-host=${input.address}`,
    `http-port=${PORT}`,
    `http-max-queued-requests=${QUEUE}`,
    "http-management-host=127.0.0.1",
    `http-management-port=${MANAGEMENT_PORT}`,
    "proxy-headers=xforwarded",
    `proxy-trusted-addresses=${input.gateway}`,
    "cache=local",
    "log=console",
    "log-console-output=json",
    // Health is asked for often while it starts.
    "log-level=info,io.smallrye.health:warn",
    "",
  ].join("\n");
};

const SMALLEST_HEAP = 256;

/** 45 % of the machine: beside the heap there are classes, code, threads and buffers of some 350 MiB. */
const heap = (memoryBytes: number): number => Math.max(SMALLEST_HEAP, Math.floor((memoryBytes * 0.45) / MIB));

/** Its folder with secrets is read by systemd before the process is no longer root. */
export const renderUnit = (input: Pick<KeycloakInput, "memoryBytes">): string => `[Unit]
Description=Keycloak
After=network.target
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart=${PROGRAM} --config-file=${CONFIG} start --optimized
EnvironmentFile=${ENVIRONMENT}
Environment="JAVA_OPTS_KC_HEAP=-Xms64m -Xmx${heap(input.memoryBytes)}m"
Environment="JAVA_OPTS_APPEND=-XX:-UsePerfData"
DynamicUser=yes
StateDirectory=${STATE_FOLDER}
StateDirectoryMode=0700
SuccessExitStatus=143
TimeoutStopSec=30
Restart=on-failure
RestartSec=2
TasksMax=1024
LimitNOFILE=65536
UMask=0077
${renderSandbox({ system: true, compiles: true })}
InaccessiblePaths=-/etc/croft/secrets -/etc/ssh

[Install]
WantedBy=multi-user.target
`;
