/** Host keys that a machine printed on its console at first boot. Pure. */

const BLOCK = /-----BEGIN SSH HOST KEY KEYS-----\r?\n([\s\S]*?)-----END SSH HOST KEY KEYS-----/g;
const KEY = /^.*?\b(ssh-ed25519) ([A-Za-z0-9+/=]{40,})/;

/** The keys of the last whole block, `TYPE BASE64` each; empty before the block is whole. */
export const parseHostKeys = (consoleText: string): readonly string[] => {
  const block = [...consoleText.matchAll(BLOCK)].at(-1)?.[1];
  if (block === undefined) return [];
  return block.split("\n").flatMap((line) => {
    const match = KEY.exec(line);
    return match === null ? [] : [`${match[1]} ${match[2]}`];
  });
};

/** The last lines of a console, without colours, cursor movements and empty lines. */
export const consoleTail = (consoleText: string, count: number): string =>
  consoleText
    // oxlint-disable-next-line no-control-regex -- terminal escapes are what is removed here
    .replaceAll(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|.)/g, "")
    .replaceAll("\r", "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
