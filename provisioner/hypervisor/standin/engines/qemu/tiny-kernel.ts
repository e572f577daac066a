/** For tests: a multiboot kernel of some fifty bytes that greets on the serial port and then ends, resets or runs on. */

const LOAD = 0x10_0000;
const HEADER_BYTES = 32;
const MAGIC = 0x1bad_b002;
/** The header says where the image goes. */
const FLAGS = 0x0001_0000;

export type Ending = "powerOff" | "reboot" | "stay";

/** `mov dx, PORT; mov al, BYTE; out dx, al` for each byte. */
const say = (text: string): readonly number[] => [...Buffer.from(text)].flatMap((byte) => [0x66, 0xba, 0xf8, 0x03, 0xb0, byte, 0xee]);

/** Where the firmware put the power management registers of q35: 0x600. */
const ENDINGS: Readonly<Record<Ending, readonly number[]>> = {
  // mov dx, 0x604; mov ax, 0x2000; out dx, ax
  powerOff: [0x66, 0xba, 0x04, 0x06, 0x66, 0xb8, 0x00, 0x20, 0x66, 0xef],
  // mov dx, 0xcf9; mov al, 6; out dx, al
  reboot: [0x66, 0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee],
  stay: [],
};

const words = (...numbers: readonly number[]): readonly number[] =>
  numbers.flatMap((value) => [...new Uint8Array(Uint32Array.of(value).buffer)]);

export const tinyKernel = (ending: Ending): Uint8Array => {
  // cli first; hlt and a jump to it last.
  const code = [0xfa, ...say("hello\n"), ...ENDINGS[ending], 0xf4, 0xeb, 0xfd];
  const end = LOAD + HEADER_BYTES + code.length;
  const header = words(MAGIC, FLAGS, (-MAGIC - FLAGS) >>> 0, LOAD, LOAD, end, end, LOAD + HEADER_BYTES);
  return Uint8Array.from([...header, ...code]);
};
