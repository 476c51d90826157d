import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";
import { openStream } from "../support/stream";

const JSON_HEADERS = { "Content-Type": "application/json" };

interface Opened {
  address: string;
  post(data: unknown): Promise<string>;
  put(id: string, data: unknown): Promise<void>;
}

async function openConsole(page: Page, server: RunningServer): Promise<Opened> {
  const { project, endpoint, key } = await signUpFirstAdmin(page, server);
  const address = `${server.url}/api/1/ce/${endpoint.name}?key=${key}`;
  await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
  await expectLive(page);
  return {
    address,
    post: async (data) => {
      const response = await fetch(address, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(data) });
      return ((await response.json()) as { uniqueId: string }).uniqueId;
    },
    put: async (id, data) => {
      await fetch(`${address}&uniqueId=${id}`, { method: "PUT", headers: JSON_HEADERS, body: JSON.stringify(data) });
    },
  };
}

const expectLive = (page: Page) => expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible();
const rowOf = (page: Page, id: string) => page.getByRole("row", { name: new RegExp(id.slice(-8)) });

test("pausing buffers changes and resuming shows them; filters by text and operation narrow the list", async ({ page }) => {
  const server = await startServer();
  try {
    const { post, put } = await openConsole(page, server);
    const kitchen = await post({ sensor: "kitchen", temperature: 20 });
    await expect(rowOf(page, kitchen)).toBeVisible();

    await page.getByRole("button", { name: "Pause" }).click();
    const garden = await post({ sensor: "garden", temperature: 8 });
    await put(kitchen, { sensor: "kitchen", temperature: 23 });
    await expect(page.getByText("2 buffered")).toBeVisible();
    await expect(rowOf(page, garden)).toHaveCount(0);
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(rowOf(page, garden)).toBeVisible();
    await expect(rowOf(page, kitchen)).toHaveCount(2);

    await page.keyboard.press("/");
    await page.keyboard.type("garden");
    await expect(rowOf(page, kitchen)).toHaveCount(0);
    await expect(rowOf(page, garden)).toBeVisible();
    // The filter is part of the URL, so a reload keeps it.
    await expect(page).toHaveURL(/q=garden/);
    await page.reload();
    await expect(rowOf(page, garden)).toBeVisible();
    await expect(rowOf(page, kitchen)).toHaveCount(0);
    await page.getByLabel("Filter", { exact: true }).fill("nothing has this");
    await expect(page.getByText(/0 of 3/).first()).toBeVisible();
    await page.getByLabel("Filter", { exact: true }).fill("");
    await page.getByRole("button", { name: "create" }).click();
    await expect(rowOf(page, garden)).toHaveCount(0);
    await expect(rowOf(page, kitchen)).toHaveCount(1);
  } finally {
    await server.dispose();
  }
});

test("the details show the changes since the previous version, and the data as sent", async ({ page }) => {
  const server = await startServer();
  try {
    const { post, put, address } = await openConsole(page, server);
    const id = await post({ sensor: "kitchen", temperature: 20, note: "closed" });
    await fetch(`${address}&uniqueId=${id}`, { method: "PUT", headers: JSON_HEADERS, body: '{"sensor":"kitchen","temperature":23.50}' });
    await expect(rowOf(page, id)).toHaveCount(2);
    await rowOf(page, id).last().click();
    const detail = page.getByRole("region", { name: "Details" });
    await expect(detail).toContainText("temperature");
    await expect(detail).toContainText("20");
    await expect(detail).toContainText("23.5");
    await expect(detail).toContainText("note");
    await expect(detail).not.toContainText("sensor");
    await detail.getByRole("tab", { name: "Raw" }).click();
    await expect(detail).toContainText('{"sensor":"kitchen","temperature":23.50}');

    // New data changes neither the selection nor the details.
    await put(id, { sensor: "kitchen", temperature: 24 });
    await expect(rowOf(page, id)).toHaveCount(3);
    await expect(detail).toContainText("23.50");
    await page.keyboard.press("Escape");
    await expect(detail).toHaveCount(0);
  } finally {
    await server.dispose();
  }
});

test("[G7] [R4] the composer sends POST, PUT and DELETE, and reports invalid JSON before sending", async ({ page }) => {
  const server = await startServer();
  try {
    const { address } = await openConsole(page, server);
    const stream = await openStream(address.replace(/^http/, "ws"));
    await page.getByRole("button", { name: "Send a request…" }).click();
    const write = page.getByRole("region", { name: "Send a request" });
    await write.getByLabel("Body").fill('{"a": 1,, "b": 2}');
    await expect(write.getByRole("list", { name: "Problems in the text" })).toContainText("Line 1");
    await write.getByRole("button", { name: "Send", exact: true }).click();
    expect(stream.messages).toEqual([]);

    await write.getByLabel("Body").fill('{"a": 1}');
    await write.getByLabel("Body").press("ControlOrMeta+Enter");
    const { uniqueId } = (await stream.until(({ type }) => type === "POST")).record;
    await expect(rowOf(page, uniqueId)).toBeVisible();

    await write.getByRole("radio", { name: "PUT" }).check();
    await write.getByLabel("Record ID").fill(uniqueId);
    await write.getByRole("radio", { name: "merge" }).check();
    await write.getByLabel("Body").fill('{"b": 2}');
    await write.getByRole("button", { name: "Send", exact: true }).click();
    expect((await stream.until(({ type }) => type === "PUT")).record.data).toEqual({ a: 1, b: 2 });

    await write.getByRole("radio", { name: "DELETE" }).check();
    await write.getByRole("button", { name: "Delete record" }).click();
    expect((await stream.until(({ type }) => type === "DELETE")).record.uniqueId).toBe(uniqueId);
    await expect(rowOf(page, uniqueId)).toHaveCount(3);
    stream.close();
  } finally {
    await server.dispose();
  }
});

test("[W9] across a crash of the server, the console shows the connection state, resumes, and shows every record once", async ({
  page,
}) => {
  const first = await startServer();
  const { dataDir } = first;
  const { address, post } = await openConsole(page, first);
  const before = await post({ n: 1 });
  await expect(rowOf(page, before)).toBeVisible();
  const port = Number(new URL(first.url).port);
  await first.kill();
  await expect(page.getByText(/^Reconnecting/).first()).toBeVisible();
  await expect(rowOf(page, before)).toBeVisible();

  const second = await startServer({ dataDir, port });
  try {
    const missed = await fetch(address, { method: "POST", headers: JSON_HEADERS, body: '{"n":2}' });
    const { uniqueId } = (await missed.json()) as { uniqueId: string };
    const retry = page.getByRole("button", { name: "Retry now" });
    // The console can reconnect by itself before the click.
    if (await retry.isVisible()) await retry.click({ timeout: 5_000 }).catch(() => undefined);
    await expectLive(page);
    await expect(rowOf(page, uniqueId)).toHaveCount(1);
    await expect(rowOf(page, before)).toHaveCount(1);
    const after = await post({ n: 3 });
    await expect(rowOf(page, after)).toHaveCount(1);
  } finally {
    await second.dispose();
  }
});
