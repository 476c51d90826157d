/** Tests when the cookie of an access token is accepted (S6), and which cookie is read. */
import { describe, expect, it } from "vitest";
import type { AccessRequest } from "@/src/core/access/access-request";
import { areCookiesAccepted, requireTokenCookie } from "@/src/core/access/token-cookie";
import { isAppError } from "@/src/shared/errors";
import { toAccessTokenCookie } from "@/src/shared/streams/protocol";

const ID = "0192f3c4-a1b2-7c3d-8e4f-5a6b7c8d9e0f";
const OLD = "__Secure-rested-access-token";
const OWN = `${OLD}-5a6b7c8d9e0f`;
const APP = "https://app.example";

const project = (...origins: string[]) => ({ id: ID, allowedOrigins: new Set(origins) });

type Sender = Pick<AccessRequest, "origin" | "headers" | "publicUrl">;

describe("the name", () => {
  it("[L2] is the project's own", () => {
    expect(toAccessTokenCookie(ID)).toBe(OWN);
  });

  it.each<[string, string | undefined, string | undefined]>([
    ["the project's", `a=1; ${OWN}=own; b=2`, "own"],
    ["the one that projects shared", `${OLD}=old`, "old"],
    ["the project's before the shared one", `${OLD}=old; ${OWN}=own`, "own"],
    ["an empty one is ignored", `${OWN}=; ${OLD}=old`, "old"],
    ["another project's", `${OLD}-000000000000=other`, undefined],
    ["a name that only ends alike", `x${OLD}=tok`, undefined],
    ["a name that only begins alike", `${OWN}0=tok`, undefined],
    ["one without a value", OWN, undefined],
    ["no cookies", undefined, undefined],
  ])("[S1] [S4] %s", (_what, cookie, token) => {
    const read = () => requireTokenCookie(project(), { headers: { host: "api.example", ...(cookie === undefined ? {} : { cookie }) } });
    if (token === undefined) expect(read).toThrow(expect.objectContaining({ code: "access_token_missing" }));
    else expect(read()).toEqual({ text: token, needsListedOrigin: false });
  });
});

describe("where it counts", () => {
  const https = { host: "api.example", "x-forwarded-proto": "https" };

  it.each<[string, boolean, Sender, string[]]>([
    ["a program", true, { headers: https }, []],
    ["the address bar", true, { headers: { ...https, "sec-fetch-site": "none" } }, []],
    ["a page of the server's own, without Origin", true, { headers: { ...https, "sec-fetch-site": "same-origin" } }, []],
    ["a link or picture on another site", false, { headers: { ...https, "sec-fetch-site": "cross-site" } }, []],
    ["a link or picture on a sibling domain", false, { headers: { ...https, "sec-fetch-site": "same-site" } }, []],
    ["the same, and origins are listed", false, { headers: { ...https, "sec-fetch-site": "cross-site" } }, [APP]],
    ["the server's own origin", true, { headers: https, origin: "https://api.example" }, []],
    ["its own over plain http", true, { headers: { host: "localhost:3000" }, origin: "http://localhost:3000" }, []],
    ["its own with another scheme", false, { headers: https, origin: "http://api.example" }, []],
    ["its own with another port", false, { headers: https, origin: "https://api.example:8443" }, []],
    ["its own, the proxy names the port", true, { headers: { ...https, host: "api.example:443" }, origin: "https://api.example" }, []],
    [
      "its own by the forwarded host",
      true,
      { headers: { ...https, host: "10.0.0.1", "x-forwarded-host": "api.example, proxy" }, origin: "https://api.example" },
      [],
    ],
    // Traefik sends these schemes for upgrades to WebSockets.
    ["its own, opening a WebSocket", true, { headers: { ...https, "x-forwarded-proto": "wss" }, origin: "https://api.example" }, []],
    ["the same without TLS", true, { headers: { host: "localhost:3000", "x-forwarded-proto": "ws" }, origin: "http://localhost:3000" }, []],
    [
      "an opaque origin behind a proxy that passes any scheme on",
      false,
      { headers: { ...https, "x-forwarded-proto": "x" }, origin: "null" },
      [],
    ],
    ["its own by RESTED_PUBLIC_URL", true, { headers: { host: "10.0.0.1" }, origin: APP, publicUrl: APP }, []],
    ["another one than RESTED_PUBLIC_URL", false, { headers: { host: "10.0.0.1" }, origin: APP, publicUrl: "https://b.example" }, []],
    ["any other origin where none is listed", false, { headers: https, origin: APP }, []],
    ["a listed origin", true, { headers: https, origin: APP }, [APP]],
    ["a listed origin in capitals", true, { headers: https, origin: "HTTPS://App.example" }, [APP]],
    ["an opaque origin", false, { headers: https, origin: "null" }, []],
    ["an opaque origin, even if it is listed", false, { headers: https, origin: "null" }, ["null"]],
    ["no host", false, { headers: {}, origin: "http://undefined" }, []],
  ])("[S6] %s: %s", (_where, counts, sender, origins) => {
    expect(areCookiesAccepted(project(...origins), sender)).toBe(counts);
    const headers = { ...sender.headers, cookie: `${OWN}=tok` };
    const read = () => requireTokenCookie(project(...origins), { ...sender, headers });
    if (counts) expect(read().text).toBe("tok");
    else expect(read).toThrow(expect.objectContaining({ code: "access_token_missing" }));
  });

  it.each<[string, Sender, RegExp]>([
    [
      "the origin to list",
      { origin: APP, headers: { cookie: `${OWN}=tok` } },
      /^Add https:\/\/app\.example to the project's allowed origins/,
    ],
    ["to log in, and the origin to list for a cookie", { origin: APP }, /^Log in first.*add https:\/\/app\.example/],
    [
      "that an opaque origin can't be listed",
      { origin: "null", headers: { cookie: `${OWN}=tok` } },
      /^Send the access token as Authorization/,
    ],
    ["to send an origin", { headers: { "sec-fetch-site": "cross-site", cookie: `${OWN}=tok` } }, /crossorigin="use-credentials"/],
    ["to log in", {}, /^This endpoint is secure\. Log in first/],
  ])("[S6] the error says %s", (_what, sender, detail) => {
    try {
      requireTokenCookie(project(), sender);
      expect.unreachable();
    } catch (error) {
      expect(isAppError(error) && error.message).toMatch(detail);
    }
  });
});
