import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { connectToDatabase } from "../support/database";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

test("[W10] an endpoint without writes for a day shows its stored records, accepts old cursors, and streams new changes", async ({
  page,
}) => {
  const server = await startServer();
  const database = await connectToDatabase(server.dataDir);
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const address = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
    const store = (data: unknown) =>
      fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });
    for (let n = 1; n <= 5; n += 1) expect((await store({ reading: n, room: "attic" })).status).toBe(201);
    await database.query(`UPDATE "Change" SET at = now() - interval '25 hours' WHERE "endpointId" = $1`, [endpoint.id]);
    const before = await openStream(`${address.replace(/^http/, "ws")}&since=now`);
    const { cursor } = await before.until(({ type }) => type === "READY");
    before.close();
    const kept = async () => (await database.query(`SELECT FROM "Change" WHERE "endpointId" = $1`, [endpoint.id])).rowCount;
    await expect.poll(kept, { timeout: 30_000 }).toBe(0);

    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
    await expect(page.getByRole("heading", { name: "No recent changes" })).toBeVisible();
    await expect(page.getByText("Waiting for the first record")).toHaveCount(0);
    const stored = page.getByRole("list", { name: "Stored records, newest first" });
    await expect(stored.getByRole("listitem")).toHaveCount(5);
    await expect(stored.getByRole("listitem").first()).toContainText('"reading": 5');
    await expect(page.getByText("Live", { exact: true }).last()).toBeVisible();

    const client = await openStream(`${address.replace(/^http/, "ws")}&since=${cursor}`);
    expect((await store("new")).status).toBe(201);
    await client.until(({ type }) => type === "POST");
    expect(client.messages.map(({ type }) => type)).toEqual(["READY", "POST"]);
    client.close();
    await expect(page.getByRole("row", { name: /create/ })).toHaveCount(1);
    await expect(page.getByText(/were missed/)).toHaveCount(0);
  } finally {
    await database.end();
    await server.dispose();
  }
});
