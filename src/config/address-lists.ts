/** Settings that list addresses and ranges. */
import net from "node:net";

const PROXY_NAMES = new Set(["loopback", "linklocal", "uniquelocal"]);

export function toList(value: string | undefined): string[] {
  return (value ?? "").split(/[\s,]+/).filter((item) => item !== "");
}

export function trustProxyProblem(value: string): string | undefined {
  const wrong = toList(value).filter((item) => !isProxy(item));
  if (wrong.length === 0) return undefined;
  return `List addresses or ranges of your proxies, separated by commas, like 10.0.0.0/8, or loopback, linklocal, uniquelocal. Not valid: ${wrong.join(", ")}.`;
}

export function addressRangesProblem(value: string): string | undefined {
  const wrong = toList(value).filter((item) => !isRange(item));
  if (wrong.length === 0) return undefined;
  return `List addresses or ranges, separated by commas, like 10.1.0.0/16. Not valid: ${wrong.join(", ")}.`;
}

function isProxy(item: string): boolean {
  return PROXY_NAMES.has(item) || isRange(item);
}

function isRange(item: string): boolean {
  const [address = "", prefix, ...rest] = item.split("/");
  const family = net.isIP(address);
  // An address with a zone is not part of a range.
  if (family === 0 || rest.length > 0 || address.includes("%")) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}
