/** Where a file system is mounted, what it is called there, and its type. */
export type Mount = { readonly point: string; readonly source: string; readonly type: string };

/** The mount that a resolved absolute path lies on, by the content of /proc/self/mountinfo (proc(5)). */
export function mountOf(mountinfo: string, path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const point = unescapeOctal(before.split(' ')[4] ?? '');
    const [type = '', source = ''] = after.split(' ');
    // Of several mounts on one point the last is seen
    if (isBelow(path, point) && point.length >= (found?.point.length ?? 0))
      found = { point, source: unescapeOctal(source), type };
  }
  return found;
}

function isBelow(path: string, point: string): boolean {
  return point !== '' && (path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`));
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
