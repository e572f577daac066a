/**
 * The one error class of croft. A code says what kind of thing went wrong and which exit code a
 * run ends with; the message says what this layer was doing to what; the cause keeps the rest.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  changes: 2,
  usage: 64,
  invalid: 65,
  cannotCreate: 73,
  io: 74,
  locked: 75,
  unfit: 78,
  interrupted: 130,
  terminated: 143,
} as const;

/** Stable codes. Configuration codes (E01xx) live beside the parser in `config/diagnostics.ts`. */
export const ERROR_CODES = {
  USAGE: EXIT.usage,
  CONFIG_INVALID: EXIT.invalid,
  PLAN_INVALID: EXIT.invalid,
  PLAN_STALE: EXIT.invalid,
  STATE_INVALID: EXIT.invalid,
  STATE_IO: EXIT.io,
  LOCKED: EXIT.locked,
  HOST_UNFIT: EXIT.unfit,
  COMMAND_FAILED: EXIT.failed,
  COMMAND_TIMEOUT: EXIT.failed,
  TRANSPORT: EXIT.failed,
  HOST_KEY: EXIT.failed,
  HYPERVISOR: EXIT.failed,
  MACHINE_BOOT: EXIT.failed,
  PROBE_FAILED: EXIT.failed,
  BUILD_FAILED: EXIT.failed,
  ARTIFACT: EXIT.failed,
  FOREIGN: EXIT.cannotCreate,
  SECRET: EXIT.invalid,
  DATABASE: EXIT.failed,
  OBJECTS: EXIT.failed,
  IDENTITY: EXIT.failed,
  STEP_FAILED: EXIT.failed,
  PARTIAL: EXIT.changes,
  INTERRUPTED: EXIT.interrupted,
  BUG: EXIT.failed,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export type ErrorDetails = {
  readonly cause?: unknown;
  /** What the reader can do next, one sentence or command. */
  readonly hint?: string;
  /** Last lines of a log, a probe's answer, a command's standard error. */
  readonly tail?: string;
  /** True where the same call may succeed later unchanged. */
  readonly transient?: boolean;
};

export class CroftError extends Error {
  override readonly name = "CroftError";
  readonly code: ErrorCode;
  readonly exitCode: number;
  readonly hint: string | undefined;
  readonly tail: string | undefined;
  readonly transient: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.exitCode = ERROR_CODES[code];
    this.hint = details.hint;
    this.tail = details.tail;
    this.transient = details.transient ?? false;
  }
}

/** The messages of an error and its causes, outermost first. */
export const errorChain = (error: unknown): readonly string[] => {
  if (!(error instanceof Error)) return [String(error)];
  const rest = error.cause === undefined ? [] : errorChain(error.cause);
  return [error.message, ...rest];
};
