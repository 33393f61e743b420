/** What is used of one algorithm of hash-wasm alone: with all of them each worker's program would have 200 kB more. */
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
