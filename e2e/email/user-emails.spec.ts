/** Tests e-mails in the dashboard: the settings and previews of an authentication endpoint, and “Forgot your password?”. */
import { expect, test } from "playwright/test";
import { bodyOf } from "@/tests/support/clients/user-emails";
import { startMailServer } from "@/tests/support/servers/mail-server";
import { ADMIN, signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

test("[G25] [G26] e-mails to users have settings and previews, and a forgotten password of an account is replaced", async ({
  page,
  browser,
}) => {
  const mails = await startMailServer({ isPlain: true });
  const server = await startServer({
    env: { RESTED_SMTP_URL: `smtp://localhost:${mails.port}`, RESTED_SMTP_FROM: "Rested <noreply@rested.test>" },
  });
  try {
    const { project } = await signUpFirstAdmin(page, server);
    const headers = { Origin: server.url };
    const manage = `${server.url}/api/manage`;
    await page.request.patch(`${manage}/projects/${project.id}`, { headers, data: { allowedOrigins: ["https://app.example.com"] } });
    const created = await page.request.post(`${manage}/projects/${project.id}/endpoints`, {
      headers,
      data: { name: "users", kind: "authentication" },
    });
    const { id } = await created.json();
    await page.goto(`${server.url}/p/${project.id}/endpoints/${id}/settings`);

    await page.getByLabel("Page that links open").fill("https://evil.example/");
    await page.getByLabel("Verify e-mail addresses").check();
    await page.getByRole("button", { name: "Save e-mail settings" }).click();
    await expect(page.getByText("Add https://evil.example to the project's allowed origins first.")).toBeVisible();
    await page.getByLabel("Page that links open").fill("https://app.example.com/account");
    await page.getByLabel("Subject").fill("A new password for {{project}}");
    await page.getByRole("button", { name: "Preview" }).click();
    await expect(page.getByText("A new password for sensor readings", { exact: true })).toBeVisible();
    await expect(page.getByText(/https:\/\/app\.example\.com\/account\?reset=x+/).first()).toBeVisible();
    await expect(page.frameLocator("iframe").getByRole("link")).toHaveAttribute("href", /^https:\/\/app\.example\.com\/account\?reset=/);
    await page.getByRole("button", { name: "Save e-mail settings" }).click();
    await expect(page.getByText("E-mail settings saved.")).toBeVisible();
    const saved = await (await page.request.get(`${manage}/endpoints/${id}/user-emails`)).json();
    expect(saved).toMatchObject({
      linkBase: "https://app.example.com/account",
      verifyEmails: true,
      templates: { reset: { subject: "A new password for {{project}}" } },
    });

    const other = await (await browser.newContext()).newPage();
    await other.goto(`${server.url}/login`);
    await other.getByRole("link", { name: "Forgot your password?" }).click();
    await expect(other.getByRole("heading", { name: "Forgot your password?" })).toBeVisible();
    await other.getByLabel("E-mail").fill(ADMIN.email);
    await other.getByRole("button", { name: "Send e-mail" }).click();
    await expect(other.getByText("an e-mail is on its way")).toBeVisible();
    await expect.poll(() => mails.mails.length).toBe(1);
    const [mail] = mails.mails;
    const token = /^([\w-]{43})\r$/m.exec(mail ? bodyOf(mail) : "")?.[1] ?? "";
    await other.getByRole("link", { name: "enter it here" }).click();
    await expect(other.getByRole("heading", { name: "Choose a new password" })).toBeVisible();
    await other.getByLabel("Code").fill(token);
    await other.getByLabel("New password").fill("a new password of ada");
    await other.getByRole("button", { name: "Set password" }).click();
    await expect(other.getByText("Your password has been changed")).toBeVisible();
    await other.getByRole("link", { name: "Sign in" }).click();
    await expect(other.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await other.getByLabel("E-mail").fill(ADMIN.email);
    await other.getByLabel("Password").fill("a new password of ada");
    await other.keyboard.press("Enter");
    await expect(other).toHaveURL(`${server.url}/projects`);
    await page.goto(`${server.url}/projects`);
    await expect(page).toHaveURL(/\/login/);
  } finally {
    await server.dispose();
    await mails.close();
  }
});

test("[G26] a server without a mail server says what its administrator can do", async ({ page }) => {
  const server = await startServer();
  try {
    await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/forgot`);
    await expect(page.getByRole("heading", { name: "This server can’t send e-mail" })).toBeVisible();
    await expect(page.getByText("RESTED_SMTP_URL")).toBeVisible();
  } finally {
    await server.dispose();
  }
});
