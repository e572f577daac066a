/** QEMU's machine protocol over one stream: commands that answer, events that come. */
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { deviceFailure } from "../../core/failure.ts";

type Data = Readonly<Record<string, unknown>>;
type Message = {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly data?: Data;
};

export type Qmp = {
  /** @throws Failure with QEMU's own words. */
  readonly command: (name: string, words?: Data) => Promise<unknown>;
  /** Called for every event until the returned function is. */
  readonly listen: (listener: (event: string, data: Data) => void) => () => void;
};

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void };

/** Resolves once QEMU takes commands. Where the stream ends before its greeting this never settles: watch the process as well. */
export const openQmp = async (stream: Duplex): Promise<Qmp> => {
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(event: string, data: Data) => void>();
  let ended = false;
  let count = 0;
  const greeting = Promise.withResolvers<void>();

  const settle = ({ id = 0, error, return: answer }: Message): void => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(answer);
    else asked?.reject(deviceFailure(error.desc));
  };
  const take = (line: string): void => {
    const message = JSON.parse(line) as Message;
    if (message.QMP !== undefined) greeting.resolve();
    else if (message.event === undefined) settle(message);
    else for (const listener of listeners) listener(message.event, message.data ?? {});
  };
  const end = (): void => {
    ended = true;
    for (const { reject } of waiting.values()) reject(deviceFailure("the guest is gone"));
    waiting.clear();
  };
  createInterface({ input: stream }).on("line", take).on("close", end).on("error", end);

  const command: Qmp["command"] = (name, words = {}) =>
    new Promise((resolve, reject) => {
      if (ended) return reject(deviceFailure("the guest is gone"));
      count += 1;
      waiting.set(count, { resolve, reject });
      stream.write(`${JSON.stringify({ execute: name, arguments: words, id: count })}\n`);
    });
  await greeting.promise;
  await command("qmp_capabilities");
  return {
    command,
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};

/** Resolves when QEMU says that this device is gone. @throws Failure after `timeoutMs`. */
export const deviceDeleted = (qmp: Qmp, device: string, timeoutMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = qmp.listen((event, data) => {
      if (event !== "DEVICE_DELETED" || data["device"] !== device) return;
      clearTimeout(timer);
      stop();
      resolve();
    });
    const timer = setTimeout(() => {
      stop();
      reject(deviceFailure("the guest did not let the device go"));
    }, timeoutMs);
  });
