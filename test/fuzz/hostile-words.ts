/** A thousand texts that mean something to a shell, to SQL, nginx, systemd, YAML, a template, a path or a reader's eye. */
import { makeRandom, pick, SEED } from "./random.ts";

/** What an injected command would make: a file, a table, an answer of that name. */
export const CANARY = "croft-canary";

const SHELL = [
  `$(touch ${CANARY})`,
  `\`touch ${CANARY}\``,
  `;touch ${CANARY};`,
  `| touch ${CANARY}`,
  `&& touch ${CANARY} &&`,
  `& touch ${CANARY} &`,
  `|| touch ${CANARY} #`,
  `> ${CANARY}`,
  `>${CANARY}`,
  `\n touch ${CANARY} \n`,
  `'; touch ${CANARY}; '`,
  `"; touch ${CANARY}; "`,
  `'\\''; touch ${CANARY} #`,
  `\\"; touch ${CANARY} #`,
  `\\'; touch ${CANARY} #`,
  `$IFS$(touch\${IFS}${CANARY})`,
  "${HOME}",
  "$HOME",
  "$'\\n'",
  "~root",
  "*",
  "?",
  "[a-z]",
  "{a,b}",
  "!!",
  "\\",
  "\\\n",
  "-rf",
  "--help",
  "-e",
  "=",
  "<(id)",
  "<<EOF\nEOF",
  "#",
  " ",
  "\t",
  "",
] as const;

const TABLE = "create table croft_canary (a int)";
const SQL = [
  `'; ${TABLE}; --`,
  `"; ${TABLE}; --`,
  `\\'; ${TABLE}; --`,
  `\\\\'; ${TABLE}; --`,
  `''; ${TABLE}; --`,
  `""; ${TABLE}; --`,
  `$$; ${TABLE}; $$`,
  `/*`,
  `*/ ${TABLE}; --`,
  "' or '1'='1",
  "$1",
  "E'\\''",
  'U&"\\0022"',
  "pg_catalog.pg_class",
  "\u02bc",
] as const;

const NGINX = [
  `; return 200 ${CANARY};`,
  `} location / { return 200 ${CANARY}; } #`,
  `"; return 200 ${CANARY}; #`,
  `'; return 200 ${CANARY}; #`,
  `\n return 200 ${CANARY};\n`,
  "$host",
  "$request_uri",
  "${arg_x}",
  "~ ^/.*$",
  "\\1",
  "include /etc/passwd;",
  "/a b",
  "/%0d%0aSet-Cookie:a=b",
  "//evil.test/",
  "/\\evil.test",
  "javascript:alert(1)",
  "(?{1})",
  "(",
  "[",
] as const;

const SYSTEMD = [
  "%n",
  "%i",
  "%%",
  "%h/x",
  `\nExecStartPre=/usr/bin/touch ${CANARY}\n`,
  "\\x41",
  "\\n",
  "-",
  "@",
  "+",
  ":!",
  "[Service]",
  "$MAINPID",
  "a\\",
] as const;

const YAML = [
  ": ",
  "a: b",
  "- a",
  "&a b",
  "*a",
  `!!python/object/apply:os.system ["touch ${CANARY}"]`,
  "|",
  ">",
  "? a",
  "%YAML 1.1",
  "---",
  "...",
  "<<: *a",
  "null",
  "~",
  "no",
  "0777",
  "1e9",
  "{{7*7}}",
  "{{{a}}}",
  "{% raw %}",
  "<%= 1 %>",
  "${database.rw.url}",
  "${",
  "}",
  "@",
  "`",
  "'",
  '"',
  "__proto__",
  "constructor",
  "toString",
] as const;

const PATHS = [
  "../../etc/passwd",
  "/etc/passwd",
  "..",
  ".",
  "a/../../b",
  "%2e%2e%2f",
  "..\\..\\a",
  "a//b",
  "./a",
  "a/.",
  "a/-x",
  "\0",
  "a\0.txt",
  "/dev/null",
  "file:///etc/passwd",
  "CON",
] as const;

const UNICODE = [
  "\u202eabc",
  "a\u200bb",
  "\ufeffa",
  "\u0430bc",
  "p\u0430ypal",
  "\u00e9",
  "e\u0301",
  "\u{1f600}",
  "\ud800",
  "\u2028",
  "\u2029",
  "\u0085",
  "\u00a0",
  "\u007f",
  "\u001b[31m",
  "\r",
  "\r\n",
  "\u0008",
  "\uff0e\uff0e\uff0f",
  "\u2215",
  "\u0131",
  "\u212a",
  "\u{e0041}",
] as const;

const LENGTHS = [21, 41, 51, 63, 64, 65, 128, 256, 1025, 5000, 70_000].flatMap((length) => [
  "a".repeat(length),
  "a.".repeat(length / 2),
  "é".repeat(length),
]);

const FRAGMENTS: readonly string[] = [...SHELL, ...SQL, ...NGINX, ...SYSTEMD, ...YAML, ...PATHS, ...UNICODE];

const WORDS = ["", "a", "web", "/", "a-b", "x.test", "/a/", "1GiB"] as const;

/** All fragments bare, then inside ordinary words and beside one another. The same for one seed. */
export const hostileWords = (count: number, seed = SEED): readonly string[] => {
  const random = makeRandom(seed);
  const words = new Set<string>([
    ...FRAGMENTS,
    ...LENGTHS,
    ...FRAGMENTS.map((fragment) => `a${fragment}`),
    ...FRAGMENTS.map((fragment) => `${fragment}a`),
  ]);
  while (words.size < count)
    words.add(pick(random, WORDS) + pick(random, FRAGMENTS) + pick(random, WORDS) + pick(random, ["", ...FRAGMENTS]));
  return [...words].slice(0, count);
};
