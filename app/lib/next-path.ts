/** Where to go after signing in. */

/** `asked` when it is a path of this server; else the beginning. `//host` and `/\host` lead elsewhere in browsers. */
export function toNextPath(asked: string | readonly string[] | undefined): string {
  if (typeof asked !== "string" || !/^\/(?![/\\])/.test(asked) || /[\p{Cc}\\]/u.test(asked)) return "/";
  return asked;
}
