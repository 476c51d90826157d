/** Finding any change of the log in the console (G27), and honest marks (G28). */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { type FirstProject, signUpFirstAdmin } from "../support/dashboard";
import { connectToDatabase } from "../support/database";
import { type RunningServer, startServer } from "../support/server";

const COUNT = 30_000;

interface Opened extends FirstProject {
  /** The path of the console. */
  console: string;
  /** The address of its log. */
  api: string;
  post: (data: unknown) => Promise<string>;
}

/** The changes are of consecutive seconds, the last one of now. Change 7 has the room Crypt; the others are in the hall. */
async function openLog(page: Page, server: RunningServer, count = COUNT): Promise<Opened> {
  const first = await signUpFirstAdmin(page, server);
  const { project, endpoint, key } = first;
  const db = await connectToDatabase(server.dataDir);
  await db.query(
    `INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
     SELECT $1::uuid, n, 'POST', md5(n::text)::uuid, json_build_object('n', n, 'room', CASE WHEN n = 7 THEN 'Crypt' ELSE 'hall' END), 1, t, t, t
     FROM (SELECT n, now() - ($2::int - n) * interval '1 second' AS t FROM generate_series(1, $2::int) n) s`,
    [endpoint.id, count],
  );
  await db.query(`UPDATE "Endpoint" SET "seq" = $2 WHERE "id" = $1::uuid`, [endpoint.id, count]);
  await db.end();
  const post = async (data: unknown) => {
    const response = await fetch(`${server.url}/api/1/ce/${endpoint.name}?key=${key}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(data),
    });
    return ((await response.json()) as { uniqueId: string }).uniqueId;
  };
  return {
    ...first,
    console: `${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`,
    api: `${server.url}/api/manage/endpoints/${endpoint.id}/changes`,
    post,
  };
}

const filter = (page: Page) => page.getByLabel("Filter", { exact: true });
const row = (page: Page, n: number) => page.getByRole("row", { name: new RegExp(`"?n"?: ${n},`) });
const detail = (page: Page) => page.getByRole("region", { name: "Details" });

async function findViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

async function goTo(page: Page, text: string): Promise<void> {
  await page.getByRole("button", { name: "Go to a place in the log" }).click();
  await page.getByLabel("Time, age, seq or cursor").fill(text);
  await page.getByRole("button", { name: "Go", exact: true }).click();
}

test("[G27] a filter finds the first of many changes by itself, states its progress, and the link to it opens it again", async ({
  page,
}) => {
  test.setTimeout(240_000);
  const server = await startServer();
  try {
    const { console } = await openLog(page, server);
    await page.goto(console);
    await filter(page).fill("room = Crypt");
    await expect(page.getByText("searched all 30,000 changes")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText("1 found")).toBeVisible();
    await row(page, 7).click();
    await expect(detail(page)).toContainText("seq 7");
    await expect(page).toHaveURL(/change=7/);
    expect(await findViolations(page)).toEqual([]);

    // Without the filter, the change is far outside the newest changes.
    await page.goto(`${console}?change=7`);
    await expect(detail(page)).toContainText("seq 7");
    await expect(row(page, 8)).toBeVisible();
    await expect(page.getByText("Earlier part of the log")).toBeVisible();
    await page.goto(`${console}?change=40000`);
    await expect(page.getByText("There is no change 40000 yet. The newest is 30000.")).toBeVisible();
  } finally {
    await server.dispose();
  }
});

test("[G27] a wrong filter is refused with the column and hides nothing; a search can be stopped and continued", async ({ page }) => {
  test.setTimeout(240_000);
  const server = await startServer();
  try {
    const { console } = await openLog(page, server, 1000);
    await page.goto(console);
    await expect(row(page, 1000)).toBeVisible();
    await filter(page).fill("room >> hall");
    await expect(page.getByRole("alert").filter({ hasText: "Column 7: Write a value after >" })).toBeVisible();
    await expect(filter(page)).toHaveAccessibleDescription(/Column 7/);
    await expect(row(page, 1000)).toBeVisible();
    expect(await findViolations(page)).toEqual([]);

    // The server answers only once the test lets it.
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.context().route(/\/changes\?query=/, async (route) => {
      await held;
      await route.continue().catch(() => undefined);
    });
    await filter(page).fill("n = 3");
    await page.getByRole("button", { name: "Stop" }).click();
    await expect(page.getByText("then stopped")).toBeVisible();
    release();
    await page.getByRole("button", { name: "Continue" }).click();
    await expect(page.getByText("searched all 1,000 changes")).toBeVisible();
    await expect(row(page, 3)).toBeVisible();
    await page.getByRole("button", { name: "Show others dimmed" }).click();
    await expect(row(page, 1000)).toBeVisible();
    await expect(page).toHaveURL(/dim=1/);
    expect(await findViolations(page)).toEqual([]);
  } finally {
    await server.dispose();
  }
});

test("[G27] the list goes to a time, to the beginning and to a seq, loads what follows, and back to the newest", async ({ page }) => {
  test.setTimeout(240_000);
  const server = await startServer();
  try {
    const { console, api, post } = await openLog(page, server, 2000);
    await page.goto(console);
    await expect(row(page, 2000)).toBeVisible();
    const at = await page.request.get(`${api}?before=601&limit=1`).then((response) => response.json());
    await goTo(page, at.changes[0].at);
    await expect(row(page, 600)).toBeVisible();
    await expect(page.getByText("Earlier part of the log")).toBeVisible();
    await expect(page).toHaveURL(/at=\d{4}-\d{2}-\d{2}T/);
    await page.reload();
    await expect(row(page, 600)).toBeVisible();

    // A change that is written meanwhile does not move the list, and is counted.
    const added = await post({ n: 2001, room: "new" });
    await expect(page.getByText(/1 change since/)).toBeVisible();
    await expect(row(page, 600)).toBeVisible();

    await goTo(page, "soon");
    await expect(page.getByRole("alert").filter({ hasText: "Enter a time" })).toBeVisible();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Go to a place in the log" }).click();
    await page.getByRole("button", { name: "Beginning of the log" }).click();
    await expect(row(page, 1)).toBeVisible();
    await goTo(page, "1900");
    await expect(row(page, 1900)).toBeVisible();
    // Scrolling down loads what follows, until the list is live again.
    await page.getByRole("grid", { name: "Changes" }).evaluate((grid) => grid.scrollTo({ top: grid.scrollHeight }));
    await expect(page.getByText("Earlier part of the log")).toHaveCount(0);
    await page.getByRole("grid", { name: "Changes" }).evaluate((grid) => grid.scrollTo({ top: grid.scrollHeight }));
    await expect(page.getByRole("row", { name: new RegExp(added.slice(-8)) })).toBeVisible();
    await goTo(page, "5");
    await expect(row(page, 5)).toBeVisible();
    await page.getByRole("button", { name: "Go to newest" }).click();
    await expect(page.getByRole("row", { name: new RegExp(added.slice(-8)) })).toBeVisible();
    await expect(page).not.toHaveURL(/at=/);
  } finally {
    await server.dispose();
  }
});

test("[G28] after an interruption one line states what was recovered and what is missing", async ({ page }) => {
  test.setTimeout(240_000);
  const server = await startServer();
  try {
    const { console, endpoint, project, post } = await openLog(page, server, 20);
    await page.goto(console);
    await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible({ timeout: 60_000 });
    const headers = { Origin: server.url };
    let id: string | undefined;
    // A stream is listed shortly after it has opened.
    const findStream = async () => {
      const listed = await page.request.get(`${server.url}/api/manage/projects/${project.id}/connections`);
      id = (await listed.json()).connections[0]?.id;
      return id;
    };
    await expect.poll(findStream, { timeout: 30_000 }).toBeDefined();
    expect((await page.request.delete(`${server.url}/api/manage/connections/${id}`, { headers })).ok()).toBe(true);
    await expect(page.getByText("Ended", { exact: true })).toBeVisible();
    for (const n of [21, 22, 23]) await post({ n, room: "hall" });
    // The log loses its oldest changes, as after its time.
    const db = await connectToDatabase(server.dataDir);
    await db.query(
      `INSERT INTO "ExpiredChange" ("endpointId", "seq", "recordId", "at") SELECT "endpointId", "seq", "recordId", "at" FROM "Change"
       WHERE "endpointId" = $1 AND "seq" = 21 ON CONFLICT ("endpointId") DO UPDATE SET "seq" = 21, "recordId" = excluded."recordId", "at" = excluded."at"`,
      [endpoint.id],
    );
    await db.query(`DELETE FROM "Change" WHERE "endpointId" = $1 AND "seq" <= 21`, [endpoint.id]);
    await db.end();
    await page.getByRole("button", { name: "Reconnect" }).click();
    const line = page.getByRole("row", {
      name: /Resumed · recovered 2 changes · changes 21 to 21 were missed/,
    });
    await expect(line).toBeVisible();
    await expect(page.getByRole("row", { name: /End of the recovered changes/ })).toBeVisible();
    await expect(page.getByRole("row", { name: /Gap|Resumed/ })).toHaveCount(1);
  } finally {
    await server.dispose();
  }
});

test("[G28] a console whose endpoint is deleted has one clear state", async ({ page }) => {
  test.setTimeout(240_000);
  const server = await startServer();
  try {
    const { console, endpoint } = await openLog(page, server, 50);
    await page.goto(console);
    await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible({ timeout: 60_000 });
    const deleted = await page.request.delete(`${server.url}/api/manage/endpoints/${endpoint.id}`, { headers: { Origin: server.url } });
    expect(deleted.ok()).toBe(true);
    await expect(page.getByText("This endpoint was deleted. The changes below")).toBeVisible();
    await expect(page.getByRole("button", { name: "Reconnect" })).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Send a request…" })).toHaveCount(0);
    expect(await findViolations(page)).toEqual([]);
  } finally {
    await server.dispose();
  }
});
