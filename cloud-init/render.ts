/** NoCloud seed of a machine: no secret in it, the same bytes for the same input. Pure. */

export type SeedInput = {
  readonly instanceId: string;
  readonly hostname: string;
  /** OpenSSH public keys of croft itself. */
  readonly authorizedKeys: readonly string[];
};

/** JSON is YAML only while nothing in it folds or vanishes: what is not plain ASCII is written as its number. */
const quoted = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[^\u0020-\u007e]/gu,
    (character) => `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`,
  );

export const renderUserData = (input: SeedInput): string =>
  [
    "#cloud-config",
    `hostname: ${quoted(input.hostname)}`,
    "disable_root: false",
    "users:",
    "  - name: root",
    "    lock_passwd: true",
    "    ssh_authorized_keys:",
    ...input.authorizedKeys.map((key) => `      - ${quoted(key)}`),
    "package_update: false",
    "package_upgrade: false",
    "",
  ].join("\n");

export const renderMetaData = (input: SeedInput): string =>
  [`instance-id: ${quoted(input.instanceId)}`, `local-hostname: ${quoted(input.hostname)}`, ""].join("\n");

export const renderSeed = (input: SeedInput): Readonly<Record<string, string>> => ({
  "user-data": renderUserData(input),
  "meta-data": renderMetaData(input),
});
