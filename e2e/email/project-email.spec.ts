/** Tests the e-mail settings of a project: wrong values, a mail server, the test mail, and what is shown later. */
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "playwright/test";
import { startMailServer } from "@/tests/support/servers/mail-server";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

test("[M4] [M8] a project's mail server is saved, refused at a wrong port, and tested with a mail", async ({ page }) => {
  test.setTimeout(120_000);
  const mails = await startMailServer({ isPlain: true });
  const server = await startServer({ env: { RESTED_OUTBOUND_ALLOWED: "127.0.0.1", RESTED_SMTP_PORTS: `587,${mails.port}` } });
  try {
    const { project } = await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/p/${project.id}/settings`);
    const save = page.getByRole("button", { name: "Save e-mail configuration" });
    await page.getByLabel("Host").fill("127.0.0.1");
    await page.getByLabel("Port", { exact: true }).fill("99999");
    await page.getByLabel("Sender", { exact: true }).fill("Shop <shop@shop.example>");
    await save.click();
    await expect(page.getByLabel("Port", { exact: true })).toHaveAccessibleDescription(/Use a port, from 1 to 65535/);
    await page.getByLabel("Port", { exact: true }).fill("8025");
    await save.click();
    await expect(page.getByLabel("Port", { exact: true })).toHaveAccessibleDescription(/Use one of the ports 587, \d+/);

    // Nothing listens at the first port.
    await page.getByLabel("Port", { exact: true }).fill("587");
    await save.click();
    await expect(page.getByText("E-mail configuration saved.").first()).toBeVisible();
    await page.getByLabel("Send a test mail to").fill("ada@example.com");
    await page.getByRole("button", { name: "Send test mail" }).click();
    await expect(page.getByText("Not sent: The mail server 127.0.0.1 could not be reached at port 587.")).toBeVisible();

    await page.getByLabel("Port", { exact: true }).fill(String(mails.port));
    await save.click();
    await expect(page.getByText("E-mail configuration saved.").first()).toBeVisible();
    await page.getByRole("button", { name: "Send test mail" }).click();
    await expect(page.getByText("Accepted: 250 accepted")).toBeVisible();
    expect(mails.mails[0]).toMatchObject({ from: "shop@shop.example", to: ["ada@example.com"] });

    await page.reload();
    await expect(page.getByLabel("Port", { exact: true })).toHaveValue(String(mails.port));
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
  } finally {
    await server.dispose();
    await mails.close();
  }
});
