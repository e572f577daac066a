/** Who is logged in, for as long as this page lives: tokens are kept in memory and nowhere else. */
import type { Config } from "./config.ts";
import { type Attempt, discover, LoginError, makeAttempt, readCode, redeem, renew, toLoginUrl, toLogoutUrl, type Tokens } from "./oidc.ts";

export type Session = {
  readonly name: string;
  /** A token that is good for a while, renewed when it is not. Throws LoginError where only a new login helps. */
  readonly getToken: (fresh?: boolean) => Promise<string>;
  readonly logout: () => void;
};

export type World = {
  readonly fetcher: typeof fetch;
  readonly now: () => number;
  readonly origin: string;
  /** Survives the way to the login page and back, and nothing more. */
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  readonly leave: (address: string) => void;
};

/** Where the provider sends people back to. */
export const RETURN_PATH = "/login";
/** Milliseconds of life a token needs to be used. */
const MARGIN = 20_000;
const toKey = (state: string): string => `login:${state}`;

/** Leaves for the login page; `path` is where the person wanted to be. */
export async function startLogin(world: World, config: Config, path: string): Promise<void> {
  const attempt = makeAttempt(path);
  const provider = await discover(config.issuer, world.fetcher);
  const address = await toLoginUrl({ config, provider }, attempt, world.origin + RETURN_PATH);
  world.storage.setItem(toKey(attempt.state), JSON.stringify(attempt));
  world.leave(address);
}

/** Takes what the login page sent back; also gives the path the person wanted. */
export async function finishLogin(
  world: World,
  config: Config,
  query: URLSearchParams,
): Promise<{ readonly session: Session; readonly path: string }> {
  const attempt = takeAttempt(world.storage, query.get("state") ?? "");
  const code = readCode(query, attempt, config.issuer);
  if (attempt === undefined) throw new LoginError("broken", "this login was not begun here");
  const client = { config, provider: await discover(config.issuer, world.fetcher), fetcher: world.fetcher, now: world.now };
  const tokens = await redeem(client, code, attempt, world.origin + RETURN_PATH);
  return { session: makeSession(world, client, tokens), path: isOwnPath(attempt.path) ? attempt.path : "/" };
}

function makeSession(world: World, client: Parameters<typeof renew>[0], first: Tokens): Session {
  let tokens = first;
  let renewing: Promise<Tokens> | undefined;
  const refresh = async (): Promise<void> => {
    renewing ??= renew(client, tokens).finally(() => (renewing = undefined));
    tokens = await renewing;
  };
  return {
    name: first.name,
    getToken: async (fresh = false) => {
      if (fresh || tokens.until - world.now() < MARGIN) await refresh();
      return tokens.access;
    },
    logout: () => world.leave(toLogoutUrl(client, tokens, `${world.origin}/`) ?? `${world.origin}/`),
  };
}

/** Each attempt is good for one return. */
function takeAttempt(storage: World["storage"], state: string): Attempt | undefined {
  const text = storage.getItem(toKey(state));
  storage.removeItem(toKey(state));
  return text === null ? undefined : (JSON.parse(text) as Attempt);
}

function isOwnPath(path: string): boolean {
  return /^\/(?!\/)/.test(path) && !path.startsWith(RETURN_PATH);
}
