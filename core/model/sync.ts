/**
 * When what was copied is put on disk. `none`: when the system sees fit; a crash of a node can then lose files that are
 * recorded as copied. `checkpoint`: before it is recorded. `file`: each file also before it gets its name.
 */
export const syncWords = ['none', 'checkpoint', 'file'] as const;
export type SyncWord = (typeof syncWords)[number];
