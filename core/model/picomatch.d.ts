/** What is used of picomatch, which comes without types. */
declare module 'picomatch/posix.js' {
  type Options = {
    readonly dot?: boolean;
    readonly fastpaths?: boolean;
    readonly literalBrackets?: boolean;
    readonly nobrace?: boolean;
    readonly noext?: boolean;
    readonly noglobstar?: boolean;
    readonly nonegate?: boolean;
    readonly strictSlashes?: boolean;
  };
  const picomatch: { parse(glob: string, options: Options): { readonly output: string } };
  export default picomatch;
}
