/** Somebody with a browser's memory and no browser: follows redirects with cookies, and fills the login page's form in. */
import { Agent, request } from "node:https";
import { keepCookie, readForm } from "../../examples/portfolio/smoke/login.ts";

type Answer = { readonly status: number; readonly url: URL; readonly body: string };

const MOST_HOPS = 12;

export class Person {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly #address: string;
  readonly #ca: string;

  /** `address`: where the gateway is, whatever the names. */
  constructor(address: string, ca: string) {
    this.#address = address;
    this.#ca = ca;
  }

  cookies(host: string): string {
    return [...(this.#cookies.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  #keep(host: string, texts: readonly string[]): void {
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    for (const text of texts) keepCookie(jar, text);
  }

  #ask(url: URL, form?: string): Promise<Answer & { readonly location: string | undefined }> {
    const agent = new Agent({ ca: this.#ca, servername: url.hostname });
    const headers = {
      host: url.hostname,
      cookie: this.cookies(url.hostname),
      accept: "text/html",
      ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
    };
    return new Promise((resolve, reject) => {
      const path = url.pathname + url.search;
      request({ host: this.#address, port: 443, agent, path, headers, method: form === undefined ? "GET" : "POST" }, (answer) => {
        let body = "";
        answer.on("data", (data) => (body += String(data)));
        answer.on("error", reject);
        answer.on("end", () => {
          this.#keep(url.hostname, answer.headers["set-cookie"] ?? []);
          agent.destroy();
          resolve({ status: answer.statusCode ?? 0, url, body, location: answer.headers.location });
        });
      })
        .on("error", reject)
        .end(form);
    });
  }

  /** The first page that is no redirect. @throws Error where they never end */
  async visit(address: string, form?: string): Promise<Answer> {
    let [url, sent] = [new URL(address), form];
    for (let hop = 0; hop < MOST_HOPS; hop += 1) {
      const answer = await this.#ask(url, sent);
      if (answer.location === undefined || answer.status < 301 || answer.status > 308) return answer;
      [url, sent] = [new URL(answer.location, url), undefined];
    }
    throw new Error(`${address} leads round in circles`);
  }

  /** Asks for a page, signs in on the way, and is back at it. @throws Error where the login page does not come or is not passed */
  async signIn(address: string, username: string, password: string): Promise<Answer> {
    const page = await this.visit(address);
    const form = readForm(page.body);
    if (page.status !== 200 || form === undefined) throw new Error(`no login page: ${page.status} at ${page.url.href}`);
    const fields = new URLSearchParams({ ...form.fields, username, password }).toString();
    const back = await this.visit(new URL(form.action, page.url).href, fields);
    if (back.url.origin !== new URL(address).origin || back.status !== 200)
      throw new Error(`not back: ${back.status} at ${back.url.href} ${back.body.slice(0, 300)}`);
    return back;
  }
}
