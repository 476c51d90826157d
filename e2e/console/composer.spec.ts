import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

const SCHEMA = { type: "object", properties: { room: { enum: ["hall", "attic"] }, at: { type: "string" } } };

test("[G30] the composer completes from the schema, replaces variables, reads curl commands, and keeps requests", async ({ page }) => {
  test.setTimeout(120_000);
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const headers = { Origin: server.url };
    const patched = await page.request.patch(`${server.url}/api/manage/endpoints/${endpoint.id}`, { headers, data: { schema: SCHEMA } });
    expect(patched.status()).toBe(200);
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
    await page.getByRole("button", { name: "Send a request…" }).click();
    const write = page.getByRole("region", { name: "Send a request" });
    const body = write.getByRole("textbox", { name: "Body" });
    await expect(write.locator(".cm-content")).toBeFocused();

    await body.fill('{"');
    await page.keyboard.type("ro");
    await page.getByRole("option", { name: /"room"/ }).click();
    await expect(body).toHaveText('{"room"');
    await body.fill('{"room": "hall", "at": "{{now}}", "n": {{count}}}');
    await expect(write.getByText("{{count}} has no value. Set it under Variables.")).toBeVisible();
    await write.getByRole("button", { name: "Variables" }).click();
    await write.getByLabel("Name of the variable").fill("count");
    await write.getByLabel("Value of the variable").fill("7");
    await write.getByRole("button", { name: "Set", exact: true }).click();
    await page.keyboard.press("Escape");
    await write.getByRole("button", { name: "Send", exact: true }).click();
    await expect(write.locator("output")).toContainText(/201 in [\d,]+ ms · \d+ B · version 1/);
    await write.getByText("Response", { exact: true }).click();
    await expect(write.locator("details").first()).toContainText('"n": 7');
    const address = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
    const [stored] = (await (await fetch(address)).json()) as { uniqueId: string; data: { at: string; n: number } }[];
    expect(stored?.data.n).toBe(7);
    expect(Date.parse(stored?.data.at ?? "")).toBeGreaterThan(0);

    // A pasted command is read, and does not become part of the body.
    const command = `curl -X PUT '${address}&uniqueId=${stored?.uniqueId}&strategy=merge' -H 'Content-Type: application/json' -d '{"room":"attic"}'`;
    await body.evaluate((element, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, command);
    await expect(body).toHaveText('{"room":"attic"}');
    await expect(write.getByRole("radio", { name: "merge" })).toBeChecked();
    await expect(write.getByText("Merges an object into the stored one.")).toBeVisible();
    await expect(write.getByLabel("Record ID")).toHaveValue(stored?.uniqueId ?? "");
    await write.getByRole("button", { name: "Send", exact: true }).click();
    await expect(write.locator("output")).toContainText("version 2");

    await write.getByRole("button", { name: "Requests" }).click();
    await write.getByLabel("Name of the request").fill("to the attic");
    await page.keyboard.press("Enter");
    await page.reload();
    await page.getByRole("button", { name: "Send a request…" }).click();
    await write.getByRole("button", { name: "Requests" }).click();
    await write.getByRole("button", { name: "PUT to the attic" }).click();
    await expect(body).toHaveText('{"room":"attic"}');

    // A pasted id loads the record's data, unless a body was written.
    await body.fill("");
    await write.getByLabel("Record ID").fill("");
    await write.getByLabel("Record ID").fill(stored?.uniqueId ?? "");
    await expect(body).toContainText('"n": 7');
    await expect(body).toContainText('"room": "attic"');
  } finally {
    await server.dispose();
  }
});
