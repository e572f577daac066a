/** A small issuer that works: metadata, keys that rotate, code with PKCE, refresh tokens that serve once. Over HTTPS. */
import { createHash, createPrivateKey, createSign, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { makeIntermediate, makeLeaf, makeRoot, toSerial } from "../certificates/authority.ts";
import { makeRsaPair } from "../certificates/keys.ts";

const scope = { domain: "portfolio.test", network: "127.0.0.0/8" };
const issuing = async () => ({ site: "portfolio", now: new Date(), serial: toSerial(randomBytes(16)), pair: await makeRsaPair(2048) });

export type Key = { readonly id: string; readonly privateKey: KeyObject; readonly jwk: object };
type Code = { readonly challenge: string; readonly nonce: string };
export type Claims = Readonly<Record<string, unknown>>;

export const makeKey = (): Key => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const id = randomUUID();
  return { id, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid: id, use: "sig", alg: "RS256" } };
};

export const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");

export const sign = (key: Key, claims: Claims): string => {
  const text = `${encode({ alg: "RS256", typ: "JWT", kid: key.id })}.${encode(claims)}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(key.privateKey, "base64url")}`;
};

export class Issuer {
  readonly authority: string;
  readonly #server: Server;
  #port = 0;
  keys: Key[] = [makeKey()];
  roles: readonly string[] = ["portfolio-admin"];
  lifetime = 300;
  /** Whether its name ends in one. */
  slash = false;
  /** While true, questions are taken and never answered. */
  silent = false;
  refused = 0;
  /** What the client has to say; undefined: nothing. */
  secret: string | undefined;
  revoked: string[] = [];
  readonly #codes = new Map<string, Code>();
  readonly #refresh = new Set<string>();

  private constructor(authority: string, certificate: string, key: string) {
    this.authority = authority;
    this.#server = createServer({ cert: certificate, key: createPrivateKey(key).export({ type: "pkcs8", format: "pem" }) });
    this.#server.on("request", (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response));
  }

  static async make(): Promise<Issuer> {
    const root = makeRoot(await issuing());
    const intermediate = makeIntermediate(root, scope, await issuing());
    const leaf = makeLeaf(intermediate, { name: "issuer", names: ["127.0.0.1"], scope }, await issuing());
    const issuer = new Issuer(root.certificate, `${leaf.certificate}\n${intermediate.certificate}`, leaf.key.reveal());
    await issuer.start();
    return issuer;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}/realms/portfolio`;
  }

  /** What it calls itself. */
  get name(): string {
    return this.slash ? `${this.url}/` : this.url;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(this.#port, "127.0.0.1", () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Nobody answers until `start`. */
  stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    return closed;
  }

  rotate(): void {
    this.keys = [makeKey()];
  }

  claims(extras: Claims = {}): Claims {
    const now = Math.floor(Date.now() / 1000);
    const roles = { realm_access: { roles: this.roles } };
    return {
      iss: this.name,
      aud: ["portfolio-api", "account"],
      sub: "person-1",
      iat: now,
      exp: now + this.lifetime,
      typ: "Bearer",
      jti: randomUUID(),
      ...roles,
      ...extras,
    };
  }

  token(extras: Claims = {}): string {
    const [key] = this.keys;
    if (key === undefined) throw new Error("no key");
    return sign(key, this.claims(extras));
  }

  #grant(client: string, nonce?: string): object {
    const refresh = randomUUID();
    this.#refresh.add(refresh);
    const id = { aud: client, typ: "ID", ...(nonce === undefined ? {} : { nonce }) };
    return {
      access_token: this.token(),
      id_token: this.token(id),
      refresh_token: refresh,
      token_type: "Bearer",
      expires_in: this.lifetime,
    };
  }

  #token(form: URLSearchParams): object | undefined {
    const client = form.get("client_id") ?? "";
    if (form.get("grant_type") === "refresh_token") {
      return this.#refresh.delete(form.get("refresh_token") ?? "") ? this.#grant(client) : undefined;
    }
    const code = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    return code?.challenge === challenge ? this.#grant(client, code.nonce) : undefined;
  }

  #metadata(): object {
    return {
      issuer: this.name,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/keys`,
      end_session_endpoint: `${this.url}/logout`,
      revocation_endpoint: `${this.url}/revoke`,
      id_token_signing_alg_values_supported: ["RS256"],
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
    };
  }

  /** As if somebody signed in at once. */
  #authorize(query: URLSearchParams): string {
    const code = randomUUID();
    this.#codes.set(code, { challenge: query.get("code_challenge") ?? "", nonce: query.get("nonce") ?? "" });
    const back = new URL(query.get("redirect_uri") ?? "");
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state") ?? "");
    return back.href;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.silent) return;
    const url = new URL(request.url ?? "/", this.url);
    let body = "";
    for await (const part of request) body += String(part);
    const form = new URLSearchParams(body);
    const json = (status: number, value: object): void =>
      void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    const path = url.pathname.replace("/realms/portfolio", "");
    if (path === "/.well-known/openid-configuration") return json(200, this.#metadata());
    if (path === "/keys") return json(200, { keys: this.keys.map(({ jwk }) => jwk) });
    if (path === "/authorize") return void response.writeHead(302, { Location: this.#authorize(url.searchParams) }).end();
    if (path === "/revoke") {
      this.revoked.push(form.get("token") ?? "");
      this.#refresh.delete(form.get("token") ?? "");
      return json(200, {});
    }
    if (path === "/token" && this.secret !== undefined && form.get("client_secret") !== this.secret)
      return json(401, { error: "unauthorized_client", error_description: "Invalid client or Invalid client credentials" });
    if (path !== "/token") return void response.writeHead(404).end();
    const granted = this.#token(form);
    if (granted === undefined) this.refused += 1;
    return json(granted === undefined ? 400 : 200, granted ?? { error: "invalid_grant" });
  }
}
