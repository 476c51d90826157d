import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

test("[G16] [W6] open streams are listed, and can be disconnected with a reason, by keyboard", async ({ page }) => {
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/p/${project.id}/connections`);
    await expect(page.getByText("No clients are connected.")).toBeVisible();
    const stream = await openStream(`${server.wsUrl}/api/1/ce/${endpoint.name}?key=${key}`);
    const row = page.getByRole("row").filter({ hasText: endpoint.name });
    await expect(row).toContainText("First key");
    await expect(row).toContainText("Live");
    await expect(page.getByText("1 open stream.")).toBeVisible();
    await row.getByRole("button", { name: `Disconnect First key from ${endpoint.name}` }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Disconnect" });
    await expect(dialog).toContainText("can reconnect");
    await dialog.getByRole("button", { name: "Disconnect" }).focus();
    await page.keyboard.press("Enter");
    expect(await stream.closed).toEqual({ code: 1000, reason: "The project's owner ended this connection." });
    await expect(page.getByText("No clients are connected.")).toBeVisible();
  } finally {
    await server.dispose();
  }
});

test("[G17] [W13] the console shows which streams receive a change, and why the others do not", async ({ page }) => {
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server, "messages");
    const headers = { Origin: server.url };
    const manage = `${server.url}/api/manage`;
    await page.request.post(`${manage}/projects/${project.id}/endpoints`, { headers, data: { name: "app/users", kind: "authentication" } });
    await page.request.patch(`${manage}/endpoints/${endpoint.id}`, { headers, data: { secure: true } });
    const users = `${server.url}/api/1/ce/app/users?key=${key}`;
    const logIn = async (username: string): Promise<string> => {
      const data = { username, password: "open sesame" };
      await page.request.post(users, { data });
      const response = await page.request.post(`${users}&login=true&noATCookie=true`, { data });
      return (response.headers().authorization ?? "").replace("Bearer ", "");
    };
    const [ann, bob] = [await logIn("ann"), await logIn("bob")];
    const path = `/api/1/ce/${endpoint.name}?key=${key}`;
    const streams = [
      await openStream(`${server.wsUrl}${path}&accessToken=${ann}`),
      await openStream(`${server.wsUrl}${path}&accessToken=${bob}`),
      await openStream(`${server.wsUrl}${path}&accessToken=${ann}&jsonata=${encodeURIComponent('data.text = "for all"')}`),
    ];

    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
    const count = async (): Promise<number> =>
      (await (await page.request.get(`${manage}/projects/${project.id}/connections`)).json()).total;
    await expect.poll(count, { message: "the console's stream is open too" }).toBe(4);
    const stored = await fetch(server.url + path, {
      method: "POST",
      headers: { Authorization: `Bearer ${ann}`, "Content-Type": "application/json" },
      body: '{"text":"for my eyes"}',
    });
    expect(stored.status).toBe(201);
    await page.getByRole("grid").getByText("for my eyes").click();
    await page.getByRole("tab", { name: "Delivery" }).click();
    const detail = page.getByRole("region", { name: "Details" });
    await expect(detail).toContainText("This record belongs to ann.");
    const open = detail.getByRole("list", { name: "Open streams" }).getByRole("listitem");
    const filtered = open.filter({ hasText: 'data.text = "for all"' });
    await expect(filtered).toContainText("Filtered out");
    await expect(filtered).toContainText("Its filter does not match the record.");
    await expect(open.filter({ hasText: "ann · First key", hasNotText: "for all" })).toContainText("Delivered");
    await expect(open.filter({ hasText: "bob · First key" })).toContainText("belongs to ann");
    await expect(open.filter({ hasText: "Dashboard" })).toContainText("Delivered");
    await expect(detail).toContainText("clocks may differ");
    await page.goto(`${server.url}/p/${project.id}/connections`);
    await expect(page.getByRole("row").filter({ hasText: 'data.text = "for all"' })).toHaveCount(1);
    for (const stream of streams) stream.close();
  } finally {
    await server.dispose();
  }
});
