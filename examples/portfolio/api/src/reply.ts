/** What a handler answers, and the error that carries an answer. */
export type Reply = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly messages: readonly string[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    messages: string | readonly string[],
    options: { headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    const list = typeof messages === "string" ? [messages] : messages;
    super(list.join("; "), { cause: options.cause });
    this.status = status;
    this.messages = list;
    this.headers = options.headers ?? {};
  }
}

export function ok(body: unknown): Reply {
  return { status: 200, body };
}

/** The one error shape of the API. */
export function toErrorReply(error: unknown): Reply {
  if (error instanceof HttpError) {
    return { status: error.status, body: { errors: { message: error.messages } }, headers: error.headers };
  }
  return { status: 500, body: { errors: { message: ["Something went wrong on our side."] } } };
}

export function notFound(what: string): HttpError {
  return new HttpError(404, `${what} not found`);
}
