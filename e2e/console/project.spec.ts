/** The console over all endpoints of a project (G46). */
import AxeBuilder from "@axe-core/playwright";
import { type Page, expect as plainExpect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { connectToDatabase } from "../support/database";
import { type RunningServer, startServer } from "../support/server";

/** Each page loads a worker, which reads the log before it connects. */
const expect = plainExpect.configure({ timeout: 30_000 });

interface Opened {
  first: string;
  page: string;
  project: string;
  /** Posts `{"n": n}` to an endpoint. */
  post: (name: string, n: number) => Promise<void>;
  create: (name: string) => Promise<string>;
}

/** A project with the endpoints of `names` besides its first one, named by `first`. */
async function openProject(page: Page, server: RunningServer, names: readonly string[]): Promise<Opened> {
  const { project, endpoint, key } = await signUpFirstAdmin(page, server);
  const headers = { Origin: server.url };
  const create = async (name: string) => {
    const made = await page.request.post(`${server.url}/api/manage/projects/${project.id}/endpoints`, {
      headers,
      data: { name, kind: "data" },
    });
    expect(made.status()).toBe(201);
    return ((await made.json()) as { id: string }).id;
  };
  for (const name of names) await create(name);
  const post = async (name: string, n: number) => {
    const sent = await fetch(`${server.url}/api/1/ce/${name}?key=${key}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ n }),
    });
    expect(sent.status).toBe(201);
  };
  return { first: endpoint.name, page: `${server.url}/p/${project.id}/live`, project: project.id, post, create };
}

const grid = (page: Page) => page.getByRole("grid", { name: "Changes" });
const rows = (page: Page) => grid(page).getByRole("row", { name: /"n"/ });
const row = (page: Page, endpoint: string, n: number) => grid(page).getByRole("row", { name: new RegExp(` ${endpoint} .*"n": ${n}}`) });
const filter = (page: Page) => page.getByLabel("Filter", { exact: true });

async function findViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

test("[G46] changes of all endpoints are one list by time, live, with their endpoint; new and deleted endpoints are noticed", async ({
  page,
}) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    const { page: address, post, create } = await openProject(page, server, ["alpha", "beta"]);
    await post("alpha", 1);
    await post("beta", 2);
    await post("alpha", 3);
    await page.goto(address);
    await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible();
    await expect(rows(page)).toHaveText([/alpha.*"n": 1/, /beta.*"n": 2/, /alpha.*"n": 3/]);
    await post("beta", 4);
    await expect(row(page, "beta", 4)).toBeVisible();
    const made = await create("gamma");
    await post("gamma", 5);
    await expect(row(page, "gamma", 5)).toBeVisible();
    await expect(page.getByText(/^4 endpoints of /)).toBeVisible();

    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await expect.poll(() => findViolations(page)).toEqual([]);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    const deleted = await page.request.delete(`${server.url}/api/manage/endpoints/${made}`, { headers: { Origin: server.url } });
    expect(deleted.ok()).toBe(true);
    await expect(page.getByText("The endpoint gamma was deleted")).toBeVisible();
    await post("alpha", 6);
    await expect(row(page, "alpha", 6)).toBeVisible();
  } finally {
    await server.dispose();
  }
});

test("[G46] endpoints are a filter, details and links name the endpoint, and pause and export work", async ({ page }) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    const { page: address, post } = await openProject(page, server, ["alpha", "beta"]);
    for (let n = 1; n <= 6; n += 1) await post(n % 2 === 0 ? "beta" : "alpha", n);
    await page.goto(address);
    await expect(rows(page)).toHaveCount(6);
    await filter(page).fill("endpoint:beta n > 2");
    await expect(rows(page)).toHaveText([/beta.*"n": 4/, /beta.*"n": 6/]);
    await expect(page).toHaveURL(/q=endpoint/);
    await row(page, "beta", 4).click();
    const details = page.getByRole("region", { name: "Details" });
    await expect(details).toContainText("seq 2");
    await expect(page).toHaveURL(/change=2&in=/);
    await details.getByRole("tab", { name: "History" }).click();
    await expect(details.getByText(/version/i).first()).toBeVisible();

    const link = page.url();
    await page.goto("about:blank");
    await page.goto(link);
    await expect(details).toContainText("seq 2");
    await page.keyboard.press("Escape");
    await filter(page).fill("");
    await expect(rows(page)).toHaveCount(6);

    await page.getByRole("button", { name: "Pause" }).click();
    await post("alpha", 7);
    await expect(page.getByText("1 buffered")).toBeVisible();
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(row(page, "alpha", 7)).toBeVisible();

    await page.getByRole("button", { name: "Export changes" }).click();
    await page.getByRole("radio", { name: "Whole log" }).check();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export", exact: true }).click();
    const stream = await (await download).createReadStream();
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { endpoint: string; record: { data: { n: number } } });
    expect(lines.map(({ endpoint, record }) => `${endpoint} ${record.data.n}`)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((n) => `${n % 2 === 0 ? "beta" : "alpha"} ${n}`),
    );
  } finally {
    await server.dispose();
  }
});

test("[G46] history, search and seek go through all endpoints, of which only the most active have a stream", async ({ page }) => {
  test.setTimeout(240_000);
  const server = await startServer();
  try {
    const names = Array.from({ length: 39 }, (_, index) => `e${String(index).padStart(2, "0")}`);
    const { page: address, first, project, post } = await openProject(page, server, names);
    const db = await connectToDatabase(server.dataDir);
    // Change n of each endpoint is of n minutes ago and its number in seconds; 100 in each.
    await db.query(
      `INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
       SELECT e."id", n, 'POST', md5(e."name" || n)::uuid, json_build_object('n', n), 1, t, t, t
       FROM (SELECT "id", "name", row_number() OVER (ORDER BY "name") AS number FROM "Endpoint" WHERE "projectId" = $1::uuid AND "name" LIKE 'e%') e,
         generate_series(1, 100) n,
         LATERAL (SELECT now() - make_interval(mins => 101 - n, secs => e.number) AS t) s`,
      [project],
    );
    await db.query(`UPDATE "Endpoint" SET "seq" = 100 WHERE "projectId" = $1::uuid AND "name" LIKE 'e%'`, [project]);
    await db.end();
    await page.goto(address);
    await expect(page.getByText(/^Streams of the 24 most active of 40 endpoints/)).toBeVisible();
    await expect(row(page, "e00", 100)).toBeVisible();

    // An endpoint without a stream.
    await post(first, 1000);
    await expect(row(page, first, 1000)).toBeVisible();
    for (const name of names.slice(30)) await post(name, 2000);
    for (const name of names.slice(30)) await expect(row(page, name, 2000)).toBeVisible();

    await filter(page).fill("n = 3 endpoint:e05,e17");
    await expect(rows(page)).toHaveText([/e17.*"n": 3/, /e05.*"n": 3/], { timeout: 60_000 });
    await expect(page.getByText(/searched all \d+ changes/)).toBeVisible();
    await filter(page).fill("");

    await page.getByRole("button", { name: "Go to a place in the log" }).click();
    await page.getByLabel("Time, age, seq or cursor").fill("start");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await expect(row(page, "e38", 1)).toBeVisible();
    await expect(page.getByText("Earlier part of the log")).toBeVisible();
    await page.getByRole("button", { name: "Go to newest" }).click();
    await expect(row(page, "e38", 2000)).toBeVisible();
  } finally {
    await server.dispose();
  }
});
