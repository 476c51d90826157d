import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toAllowedHeaders } from "@/src/shared/http/cors";

const KNOWN = ["Content-Type", "If-Match"];

describe("toAllowedHeaders", () => {
  it.each([
    [undefined, "Content-Type, If-Match"],
    ["", "Content-Type, If-Match"],
    ["content-type", "Content-Type, If-Match"],
    ["baggage,sentry-trace,traceparent", "Content-Type, If-Match, baggage, sentry-trace, traceparent"],
    ["X-Requested-With, x-requested-with ,\tCache-Control", "Content-Type, If-Match, x-requested-with, cache-control"],
    ["*", "Content-Type, If-Match, *"],
    ["a b,c\r\nSet-Cookie: x,é,,;,x-ok,(y)", "Content-Type, If-Match, x-ok"],
    [`x-ok,${"y".repeat(4096)}`, "Content-Type, If-Match"],
  ])("[U5] %j becomes %j", (requested, allowed) => {
    expect(toAllowedHeaders(requested, KNOWN)).toBe(allowed);
  });

  it("[U5] contains only valid names, whatever is requested", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 5000 }), (requested) => {
        const allowed = toAllowedHeaders(requested, KNOWN);
        expect(allowed).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:, [!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/);
        expect(allowed.length).toBeLessThan(10_000);
      }),
    );
  });
});
