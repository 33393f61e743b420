/** A program for `launch`: the length of its text in four bytes, the text, and the code that V8 has made of it. */
export function pack(text: string, code: Uint8Array): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (/[^\0-\x7f]/.test(text)) throw new Error('only a program in ASCII can be packed');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes, code]);
}

/** What was packed; the code is empty where there is none. */
export function unpack(bytes: Buffer): { readonly text: string; readonly code: Buffer } {
  const end = 4 + bytes.readUInt32LE(0);
  return { text: bytes.toString('latin1', 4, end), code: bytes.subarray(end) };
}

/** A module of Node's as the function that launch calls. */
export function asFunction(module: string): string {
  return `(function (exports, require, module, __filename, __dirname) {${module}\n})`;
}
