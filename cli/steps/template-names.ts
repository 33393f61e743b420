/**
 * Every name that a parsed template looks up, also of helpers and partials, in their arguments and in both branches
 * of a block, and the first line where it stands. What is in a comment is not looked up.
 */
export function namesIn(program: hbs.AST.Program): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  collect(program, names);
  return names;
}

/** Nodes are told by their `type`; every other object or list in the tree is only passed through. */
function collect(node: unknown, names: Map<string, number>): void {
  if (typeof node !== 'object' || node === null) return;
  const { type, original, loc } = node as Partial<hbs.AST.PathExpression>;
  if (type === 'PathExpression' && !names.has(String(original))) {
    names.set(String(original), loc?.start.line ?? 1);
  }
  for (const child of Object.values(node)) collect(child, names);
}
