/** What is used of one algorithm of hash-wasm alone: all of them would make each worker's program twice as large. */
declare module 'hash-wasm/dist/xxhash128.umd.min.js' {
  const xxhash: {
    createXXHash128(): Promise<{
      init(): unknown;
      update(bytes: Uint8Array): unknown;
      digest(form: 'hex'): string;
    }>;
  };
  export default xxhash;
}
