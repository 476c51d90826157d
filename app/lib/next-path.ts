/** Decides where a user goes after signing in. */

/** `requested` if it is a path of this server, else `/`. Browsers read `//host` and `/\host` as other servers. */
export function toNextPath(requested: string | readonly string[] | undefined): string {
  if (typeof requested !== "string" || !/^\/(?![/\\])/.test(requested) || /[\p{Cc}\\]/u.test(requested)) return "/";
  return requested;
}
