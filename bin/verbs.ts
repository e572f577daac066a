/** Every verb of the command line: one line each. Loading this file loads no command. */
import type { CommandModule } from "./main.ts";

export type Verb = { readonly summary: string; readonly usage: string; readonly load: () => Promise<CommandModule> };

export const VERBS: Readonly<Record<string, Verb>> = {
  up: {
    usage: "up [SITE]",
    summary: "bring the site to what croft.yaml says, and show where to look",
    load: () => import("./commands/up.ts"),
  },
  plan: { usage: "plan [SITE]", summary: "show exactly what `up` would do", load: () => import("./commands/plan.ts") },
  apply: { usage: "apply FILE", summary: "do a plan saved by `plan --out FILE`, or refuse it", load: () => import("./commands/apply.ts") },
  status: {
    usage: "status [SITE]",
    summary: "what runs where, what drifted, what nothing restarts",
    load: () => import("./commands/status.ts"),
  },
  smoke: { usage: "smoke [SITE]", summary: "prove the running site over HTTPS", load: () => import("./commands/smoke.ts") },
  destroy: {
    usage: "destroy [SITE]",
    summary: "remove the site; data disks stay unless --purge",
    load: () => import("./commands/destroy.ts"),
  },
  vm: {
    usage: "vm list | ssh | log | start | stop | pause | resume | resize | add-disk NAME",
    summary: "machines: list, or one: ssh, log, start, stop, pause, resume, resize, add-disk",
    load: () => import("./commands/vm.ts"),
  },
  identity: {
    usage: "identity invite EMAIL --role R | test-user [NAME]",
    summary: "somebody new in an app's realm; a test user's password",
    load: () => import("./commands/identity.ts"),
  },
  secret: {
    usage: "secret list | rotate SECRET",
    summary: "secrets and their users; replace one (api-key, database, s3, oidc) in use",
    load: () => import("./commands/secret.ts"),
  },
  state: {
    usage: "state restore [SITE]",
    summary: "go back to the newest good generation of the state file",
    load: () => import("./commands/state.ts"),
  },
  host: {
    usage: "host trust HOST KEY | list",
    summary: "hosts for --on: trust the key SHA256:… of one, list them",
    load: () => import("./commands/host.ts"),
  },
  artifact: {
    usage: "artifact list | fetch | import | verify",
    summary: "third-party programs: pins, cache, files brought by hand",
    load: () => import("./commands/artifact.ts"),
  },
  bundle: {
    usage: "bundle [SITE] --out FILE",
    summary: "everything `up` needs on a host without internet",
    load: () => import("./commands/bundle.ts"),
  },
  objects: {
    usage: "objects check | copy FROM TO",
    summary: "object store: try its promises out; copy between any two stores",
    load: () => import("./commands/objects.ts"),
  },
  init: { usage: "init [FOLDER]", summary: "write a ten-line croft.yaml to start from", load: () => import("./commands/init.ts") },
  config: { usage: "config [SITE]", summary: "show the configuration with every default", load: () => import("./commands/config.ts") },
  render: { usage: "render [SITE]", summary: "show every file that `up` would write", load: () => import("./commands/render.ts") },
  output: { usage: "output [SITE]", summary: "addresses, endpoints and releases, for scripts", load: () => import("./commands/output.ts") },
  doctor: {
    usage: "doctor [SITE]",
    summary: "whether this host can carry sites, and what to do about it",
    load: () => import("./commands/doctor.ts"),
  },
  docs: { usage: "docs [SECTION]", summary: "every field of croft.yaml", load: () => import("./commands/docs.ts") },
  completion: {
    usage: "completion bash | zsh | fish",
    summary: "completion of verbs and options for your shell",
    load: () => import("./commands/completion.ts"),
  },
};

const SITE = `SITE is a folder with a croft.yaml, or the file itself; the current folder by default. --file SITE names it too.
\`croft COMMAND --help\` shows the options of a command.

On another host: \`croft --on ssh://root@HOST[:PORT] [OPTIONS] COMMAND …\` sends croft and the site's folder there and runs
the command there, where state, lock and secrets stay. It goes on if the connection is lost; the same command finds it again.
  --host-key SHA256:…    trust this key of a host that was never seen before
  --identity FILE        log in with this private key, not with ssh-agent or ~/.ssh/id_*`;

const WIDTH = 32;
const commandLines = Object.values(VERBS)
  .map(({ usage, summary }) =>
    usage.length > WIDTH ? `  ${usage}\n  ${" ".repeat(WIDTH)} ${summary}` : `  ${usage.padEnd(WIDTH)} ${summary}`,
  )
  .join("\n");

export const HELP = `croft: your own cloud on your own metal, from one file

Usage: croft COMMAND [OPTIONS]

${commandLines}

${SITE}`;
