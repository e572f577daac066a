/** Every verb of the command line: one line each. Loading this file loads no command. */
import type { CommandModule } from "./main.ts";

type Verb = { readonly summary: string; readonly usage: string; readonly load: () => Promise<CommandModule> };

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
    usage: "vm list | ssh NAME | log NAME",
    summary: "machines: list them, get a shell, read a console",
    load: () => import("./commands/vm.ts"),
  },
  identity: {
    usage: "identity invite EMAIL --role R",
    summary: "somebody new in an app's realm, with a role",
    load: () => import("./commands/identity.ts"),
  },
  state: {
    usage: "state restore [SITE]",
    summary: "go back to the newest good generation of the state file",
    load: () => import("./commands/state.ts"),
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
  init: { usage: "init [FOLDER]", summary: "write a ten-line croft.yaml to start from", load: () => import("./commands/init.ts") },
  config: { usage: "config [SITE]", summary: "show the configuration with every default", load: () => import("./commands/config.ts") },
};

const SITE = "SITE is a folder with a croft.yaml, or the file itself; the current folder by default.";

const OPTIONS = `Options of most commands:
  --env NAME             the environment NAME of croft.yaml; part of every name
  --json                 one JSON document per line instead of text
  --yes, -y              do not ask
Options of up, plan, destroy:
  --detailed-exitcode    plan: 0 nothing to do, 2 changes
  --out FILE             plan: save it for \`croft apply FILE\`
  --bundle FILE          up: take images, programs and releases from a bundle
  --no-install           up: refuse rather than install missing host packages
  --write-hosts          up: write the site's names into this computer's /etc/hosts
  --allow-destroy NAME   allow removing one resource that holds data; may be repeated
  --purge                destroy: data disks, secrets, addresses and state too
  --wait SECONDS         wait for another run's lock`;

const commandLines = Object.values(VERBS)
  .map(({ usage, summary }) => `  ${usage.padEnd(30)} ${summary}`)
  .join("\n");

export const HELP = `croft: your own cloud on your own metal, from one file

Usage: croft COMMAND [OPTIONS]

${commandLines}

${SITE}

${OPTIONS}`;
