/** The client's address and browser, as a request's headers describe them. */
import { expect, it } from "vitest";
import { readClientInfo } from "./client-info";

const read = (headers: Record<string, string>, publicUrl?: string) => readClientInfo({ headers: new Headers(headers), publicUrl });

it.each([
  ["behind a proxy that says nothing, with a public https address", { host: "127.0.0.1:3000" }, "https://rested.example.com", true],
  ["under that address itself", { host: "rested.example.com", "x-forwarded-proto": "http" }, "https://rested.example.com", true],
  ["behind a proxy that says https", { host: "rested.example.com", "x-forwarded-proto": "https" }, undefined, true],
  ["with a public http address", { host: "rested.example.com", "x-forwarded-proto": "http" }, "http://rested.example.com", false],
  ["directly", { host: "localhost:3000", "x-forwarded-proto": "http" }, undefined, false],
] as const)("[G1] cookies are Secure where people use https: %s", (_, headers, publicUrl, secure) => {
  expect(read(headers, publicUrl).secure).toBe(secure);
});

it("[G1] the public address is one of the server's own hosts, whatever a proxy passes on", () => {
  expect(read({ host: "127.0.0.1:3000" }, "https://Rested.example.com").hosts).toEqual(new Set(["127.0.0.1:3000", "rested.example.com"]));
});
