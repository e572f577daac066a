/** An app's transaction as lines for a shell: no secret stands in them, the password comes from `$CROFT_PASSWORD`. Pure. */
import { CroftError } from "../../provisioner/errors.ts";
import { quoteWord } from "../../provisioner/transport/sh.ts";
import type { Call, LoginCall } from "./contract.ts";

export type Reach = { readonly address: string; readonly authority: string; readonly hosts: readonly string[] };

/** Lower case first: no variable that the shell itself uses. */
const VARIABLE = /^[a-z][A-Za-z0-9_]*$/;
const PLACE = /^[A-Za-z0-9_.[\]]+$/;

const variable = (name: string): string => {
  if (VARIABLE.test(name)) return name;
  throw new CroftError("CONFIG_INVALID", `describeTransaction keeps something as \`${name}\`, which is no variable of a shell`);
};

/** A word in double quotes, in which `{NAME}` became `$NAME` where NAME is kept. */
const fill = (text: string, kept: ReadonlySet<string>): string =>
  `"${text.replaceAll(/[\\"$`]/g, "\\$&").replaceAll(/\{([A-Za-z0-9_]+)\}/g, (whole, name: string) => (kept.has(name) ? `\${${name}}` : whole))}"`;

/** Where the address itself is only known later, every name of the site. */
const curl = ({ address, authority, hosts }: Reach, url: string): string => {
  const known = URL.canParse(url) ? hosts.filter((host) => host === new URL(url).hostname) : [];
  const names = known.length > 0 ? known : hosts;
  return ["curl -sS --cacert", quoteWord(authority), ...names.map((host) => `--resolve ${quoteWord(`${host}:443:${address}`)}`)].join(" ");
};

const read = (place: string): string => {
  if (!PLACE.test(place)) throw new CroftError("CONFIG_INVALID", `describeTransaction keeps \`${place}\`, which is no place in an answer`);
  return `node -pe 'JSON.parse(require("fs").readFileSync(0)).${place}'`;
};

const bodyOf = ({ json, file }: Call, kept: ReadonlySet<string>): readonly string[] => {
  if (file !== undefined) return [`-F ${fill(`${file.field}=@-;type=${file.type};filename=${file.name}`, kept)}`];
  return json === undefined ? [] : [`-H "Content-Type: application/json" --data-raw ${fill(JSON.stringify(json), kept)}`];
};

const callLines = (reach: Reach, call: Call, kept: ReadonlySet<string>): readonly string[] => {
  const { step, method = "GET", url, headers = {}, file, keep, wants } = call;
  const input = file === undefined ? "" : `printf %s ${quoteWord(file.base64)} | base64 -d | `;
  const parts = [
    ...(method === "GET" ? [] : [`-X ${quoteWord(method)}`]),
    ...Object.entries(headers).map(([name, value]) => `-H ${fill(`${name}: ${value}`, kept)}`),
    ...bodyOf(call, kept),
    fill(url, kept),
  ].join(" ");
  const comment = `# ${step}: wants ${wants.join(" or ")}`;
  const say = "-o /dev/null -w '%{http_code} %{method} %{url}\\n'";
  if (keep === undefined) return [comment, `${input}${curl(reach, url)} ${say} ${parts}`];
  const places = Object.entries(keep).map(([name, place]) => `${variable(name)}=$(printf %s "$answer" | ${read(place)})`);
  return [comment, `answer=$(${input}${curl(reach, url)} --fail-with-body ${parts})`, ...places];
};

const loginLines = (reach: Reach, { step, login, keep }: LoginCall, kept: ReadonlySet<string>): readonly string[] => {
  const field = (name: string, value: string): string => `--data-urlencode ${fill(`${name}=${value}`, kept)}`;
  const start = curl(reach, login.issuer);
  const { issuer, clientId, redirect } = login;
  const end = (path: string): string => fill(`${issuer}/protocol/openid-connect/${path}`, kept);
  const ask = [field("client_id", clientId), field("redirect_uri", redirect)].join(" ");
  return [
    `# ${step}: the provider's page, its form, the code that comes back, the token`,
    `jar=$(mktemp)`,
    `verifier=$(node -pe 'require("crypto").randomBytes(32).toString("base64url")')`,
    `challenge=$(printf %s "$verifier" | node -pe 'require("crypto").createHash("sha256").update(require("fs").readFileSync(0)).digest("base64url")')`,
    `page=$(${start} -c "$jar" -G -d response_type=code -d scope=openid -d code_challenge_method=S256 -d "code_challenge=$challenge" ${ask} ${end("auth")})`,
    `form=$(printf %s "$page" | sed -n 's/.*action="\\([^"]*\\)".*/\\1/p' | head -n 1 | sed 's/&amp;/\\&/g')`,
    `back=$(printf %s "$CROFT_PASSWORD" | ${curl(reach, issuer)} -b "$jar" -o /dev/null -w '%{redirect_url}' ${field("username", login.username)} --data-urlencode password@- "$form")`,
    `code=$(printf %s "$back" | sed -n 's/.*[?&]code=\\([^&]*\\).*/\\1/p')`,
    `${variable(keep)}=$(${start} -d grant_type=authorization_code -d "code=$code" -d "code_verifier=$verifier" ${ask} ${end("token")} | ${read("access_token")})`,
    `rm -f "$jar"`,
  ];
};

/** @throws CroftError CONFIG_INVALID for what cannot be written so. */
export const toShell = (calls: readonly (Call | LoginCall)[], reach: Reach): readonly string[] => {
  const kept = new Set<string>();
  return calls.flatMap((call) => {
    const lines = "login" in call ? loginLines(reach, call, kept) : callLines(reach, call, kept);
    for (const name of typeof call.keep === "string" ? [call.keep] : Object.keys(call.keep ?? {})) kept.add(name);
    return lines;
  });
};
