/** A pattern that is none; the message says why, about `it`. */
export class PatternError extends Error {}
