/** What a request can end in. A failure is a chain of messages, outermost first, as the real API sends it. */
export class Failure extends Error {
  readonly chain: readonly string[];
  constructor(...chain: readonly string[]) {
    super(chain.join(": "));
    this.chain = chain;
  }
}

export const notCreated = (): Failure => new Failure("VM is not created");
export const notRunning = (): Failure => new Failure("VM is not running");
export const alreadyCreated = (): Failure => new Failure("VM is already created");
export const missingConfig = (): Failure => new Failure("VM config is missing");

const DEVICES = "Error from device manager";
export const deviceFailure = (...chain: readonly string[]): Failure => new Failure(DEVICES, ...chain);
export const unknownDevice = (id: string): Failure => deviceFailure(`Failed to find device corresponding to the given identifier: ${id}`);

const NOT_FOUND = ["VM is not created", "VM config is missing"];

/** v53.0 knows two kinds of absence; everything else is 500. */
export const statusOf = (failure: Failure): number => {
  if (failure.chain[0] === "Too Many Requests") return 429;
  return NOT_FOUND.includes(failure.chain[1] ?? "") ? 404 : 500;
};
