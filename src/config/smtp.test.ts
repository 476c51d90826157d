import { describe, expect, it } from "vitest";
import { parseConfig } from "./config";

describe("the deployment's mail server", () => {
  it("[M3] is read from a URL, with a sender", () => {
    const from = "Rested <noreply@example.com>";
    const { smtp } = parseConfig({ RESTED_SMTP_URL: "smtp://ada:p%40ss@mail.example.com", RESTED_SMTP_FROM: from });
    expect(smtp).toEqual({ host: "mail.example.com", port: 587, secure: false, user: "ada", password: "p@ss", from });
    const plain = parseConfig({ RESTED_SMTP_URL: "smtps://[::1]:2465/", RESTED_SMTP_FROM: "a@b.example" });
    expect(plain.smtp).toEqual({ host: "::1", port: 2465, secure: true, user: null, password: null, from: "a@b.example" });
    expect(parseConfig({}).smtp).toBeUndefined();
  });

  it.each(["mail.example.com", "http://mail.example.com", "smtp://user@host", "smtp://h/?pool=true", "smtp://u:%ff@h", "smtp:///x"])(
    "[M3] %s is refused without showing it",
    (url) => {
      const parse = () => parseConfig({ RESTED_SMTP_URL: url, RESTED_SMTP_FROM: "a@b.example" });
      expect(parse).toThrow("RESTED_SMTP_URL: Use smtps://");
      expect(parse).not.toThrow(url);
    },
  );

  it.each(["nobody", "a@b", "a@b.example, c@d.example", "A\nB <a@b.example>", '"A" <a@b.example>'])(
    "[M3] the sender %j is refused",
    (from) => {
      expect(() => parseConfig({ RESTED_SMTP_URL: "smtp://h", RESTED_SMTP_FROM: from })).toThrow("RESTED_SMTP_FROM: Use an address");
    },
  );

  it("[M3] URL and sender belong together", () => {
    expect(() => parseConfig({ RESTED_SMTP_URL: "smtp://h" })).toThrow("RESTED_SMTP_FROM: Set this too");
    expect(() => parseConfig({ RESTED_SMTP_FROM: "a@b.example" })).toThrow("RESTED_SMTP_URL: Set this too");
  });
});
