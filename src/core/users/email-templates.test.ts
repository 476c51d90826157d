import { expect, test } from "vitest";
import { toDefaultTemplate } from "@/src/shared/management/default-emails";
import { USER_EMAIL_KINDS } from "@/src/shared/management/user-emails";
import { renderEmail, toEmailValues, toListedBase } from "./email-templates";

const values = { link: "https://a.example/?t=1&reset=abc", code: "<123456>", project: 'A "<i>" {{code}}\r\nBcc: eve@example.com' };

test("[L12] values are escaped in HTML, inserted once, and cannot end the subject", () => {
  const template = { subject: "{{project}} {{ code }}", text: "{{project}} {{link}}", html: "<a href='{{link}}'>{{project}}</a> {{code}}" };
  expect(renderEmail(template, values)).toEqual({
    subject: `A "<i>" {{code}}  Bcc: eve@example.com <123456>`,
    text: `${values.project} ${values.link}`,
    html: "<a href='https://a.example/?t=1&amp;reset=abc'>A &quot;&lt;i&gt;&quot; {{code}}\r\nBcc: eve@example.com</a> &lt;123456&gt;",
  });
});

test("[L12] every default e-mail contains its link or code, and has no unknown variable", () => {
  for (const kind of USER_EMAIL_KINDS)
    for (const linkBase of [null, "https://app.example.com/account"]) {
      const sent = renderEmail(
        toDefaultTemplate(kind, linkBase !== null),
        toEmailValues({ kind, secret: "the-secret", project: "Weather", linkBase }),
      );
      const secret = linkBase === null || kind === "code" ? "the-secret" : `https://app.example.com/account?${kind}=the-secret`;
      expect(sent.text).toContain(secret);
      expect(sent.html).toContain(secret);
      expect(sent.subject).toContain("Weather");
      expect(JSON.stringify(sent)).not.toMatch(/\{\{|\}\}/);
    }
});

test("[L12] a link keeps the query and the fragment of its base, and replaces an equal parameter", () => {
  const toLink = (linkBase: string) => toEmailValues({ kind: "reset", secret: "new", project: "", linkBase }).link;
  expect(toLink("https://app.example.com/a?b=c&reset=old#/home?reset=x")).toBe("https://app.example.com/a?b=c&reset=new#/home?reset=x");
  expect(toLink("capacitor://localhost/a")).toBe("capacitor://localhost/a?reset=new");
});

test("[L12] a base is used only if exactly its origin is listed", () => {
  const listed = ["https://App.example.com", "capacitor://localhost", "http://localhost:3000"];
  for (const base of ["https://app.example.com/x", "HTTPS://APP.EXAMPLE.COM", "capacitor://localhost/x", "http://localhost:3000/"])
    expect(toListedBase(base, listed), base).toBe(base);
  for (const base of [
    "http://app.example.com/",
    "https://app.example.com:8443/",
    "https://app.example.com.evil.example/",
    "https://sub.app.example.com/",
    "capacitor://localhost.evil/",
    "javascript://app.example.com/%0aalert(1)",
    "http://localhost:3001/",
  ])
    expect(toListedBase(base, listed), base).toBeNull();
  expect(toListedBase("https://app.example.com/", [])).toBeNull();
});
