import { once } from "node:events";
import http from "node:http";
import path from "node:path";
import { expect, test } from "playwright/test";
import { FORM_TYPE, filePart, toForm } from "../../tests/support/clients/form";
import { listFiles } from "../../tests/support/list-files";
import { until } from "../../tests/support/until";
import { connectToDatabase } from "../support/database";
import { startServer } from "../support/server";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";
const KEPT = "kept ".repeat(1000);

test("[F1] [F5] kill -9 in the middle of an upload of several files leaves neither bytes nor records of it, and keeps acknowledged files", async () => {
  const first = await startServer({ env: { RESTED_DEMO: "1" } });
  const { dataDir } = first;
  const files = path.join(dataDir, "files");
  const response = await fetch(first.url + DEMO, {
    method: "POST",
    headers: { "Content-Type": FORM_TYPE },
    body: toForm([filePart(KEPT)]),
  });
  expect(response.status).toBe(201);
  const { uniqueId } = await response.json();

  // Two whole files and a part of the third have arrived when the server dies.
  const form = toForm(["a", "b", "c"].map((name) => filePart("x".repeat(2_000_000), { filename: name })));
  const request = http.request(first.url + DEMO, {
    method: "POST",
    headers: { "Content-Type": FORM_TYPE, "Content-Length": form.byteLength },
  });
  const broken = once(request, "error");
  request.write(form.subarray(0, 5_000_000));
  await until("parts of the upload are on the disk", async () => {
    const names = await listFiles(files);
    return names.length >= 4 && names.some((name) => name.endsWith(".part"));
  });
  await first.kill();
  await broken;
  expect((await listFiles(files)).length).toBeGreaterThan(1);

  const second = await startServer({ dataDir, env: { RESTED_DEMO: "1" } });
  const database = await connectToDatabase(dataDir);
  try {
    // Another server could still be receiving the upload, so it is kept for a while. This ends that time.
    await database.query(`UPDATE "StoredFile" SET "sweepAfter" = now() - interval '1 second' WHERE "recordId" IS NULL`);
    await until("the sweep has deleted the files", async () => (await listFiles(files)).length === 1, { timeoutMs: 30_000 });
    await until("the sweep has deleted the rows", async () => (await database.query(`SELECT 1 FROM "StoredFile"`)).rows.length === 1);
    const records = await (await fetch(second.url + DEMO)).json();
    expect(records.map((record: { uniqueId: string }) => record.uniqueId)).toEqual([uniqueId]);
    expect(await (await fetch(`${second.url}${DEMO}&uniqueId=${uniqueId}&fileOnly=true`)).text()).toBe(KEPT);
  } finally {
    await database.end();
    await second.dispose();
  }
});
