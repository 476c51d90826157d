import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";

test("[W1] a stream opened before the first page view is open and receiving after 50 page views", async ({ page }) => {
  const server = await startServer({ env: { RESTED_DEMO: "1" } });
  try {
    const stream = await openStream(server.wsUrl + DEMO);
    for (let view = 0; view < 50; view++) {
      const response = await page.goto(`${server.url}/${["login", "setup", "", "no-such-page", "api/1/none"][view % 5]}`);
      expect(response?.status()).toBeLessThan(500);
    }
    expect(stream.isOpen()).toBe(true);
    const post = await fetch(server.url + DEMO, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"after":50}' });
    const { uniqueId } = (await post.json()) as { uniqueId: string };
    expect((await stream.until(({ record }) => record.uniqueId === uniqueId)).record.data).toEqual({ after: 50 });
    stream.close();
  } finally {
    await server.dispose();
  }
});

test("[G7] a record written by a dashboard route handler reaches a client of the data plane", async ({ page }) => {
  const server = await startServer();
  try {
    const { endpoint, key } = await signUpFirstAdmin(page, server);
    const stream = await openStream(`${server.wsUrl}/api/1/ce/${endpoint.name}?key=${key}`);
    const response = await page.request.post(`${server.url}/api/manage/endpoints/${endpoint.id}/records`, {
      headers: { Origin: server.url },
      data: { from: "the dashboard" },
    });
    expect(response.status()).toBe(201);
    const { uniqueId } = await response.json();
    const message = await stream.until(({ record }) => record.uniqueId === uniqueId);
    expect(message).toMatchObject({ type: "POST", record: { data: { from: "the dashboard" } } });
    stream.close();
  } finally {
    await server.dispose();
  }
});

test("[G15] [F2] files from the management API have the sandbox policy; other responses have their own policy", async () => {
  const token = "a-management-token-of-the-test-0123456789";
  const admin = { RESTED_ADMIN_EMAIL: "admin@example.com", RESTED_ADMIN_PASSWORD: "correct horse battery", RESTED_ADMIN_TOKEN: token };
  const server = await startServer({ env: admin });
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const send = (path: string, init: RequestInit = {}) =>
      fetch(`${server.url}/api/manage/${path}`, { ...init, headers: { ...headers, ...init.headers } });
    const create = async (path: string, body: object) => {
      const response = await send(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      return (await response.json()) as { id: string };
    };
    const project = await create("projects", { name: "Files of test" });
    const endpoint = await create(`projects/${project.id}/endpoints`, { name: "files/of-test" });
    const type = { "Content-Type": "text/html" };
    const upload = await send(`endpoints/${endpoint.id}/files?name=page.html`, {
      method: "POST",
      headers: type,
      body: "<script>1</script>",
    });
    const { uniqueId } = (await upload.json()) as { uniqueId: string };
    for (const method of ["GET", "HEAD"]) {
      const file = await send(`endpoints/${endpoint.id}/files/${uniqueId}`, { method });
      expect(file.status).toBe(200);
      expect(file.headers.get("content-security-policy")).toMatch(/^sandbox; default-src 'none';/);
      expect(file.headers.get("content-disposition")).toContain("attachment");
      expect(file.headers.get("cross-origin-resource-policy")).toBe("same-origin");
    }
    for (const path of ["projects", `endpoints/${endpoint.id}/files/${"0".repeat(32)}`]) {
      expect((await send(path)).headers.get("content-security-policy"), path).toMatch(/^default-src 'none'/);
    }
  } finally {
    await server.dispose();
  }
});

test("[W14] an upgrade of a path that is not a stream is 404, and the process continues", async () => {
  const server = await startServer({ env: { RESTED_DEMO: "1" } });
  try {
    for (const path of ["/", "/login", "/_next/hmr", "/api/manage/projects"]) {
      await expect(openStream(server.wsUrl + path)).rejects.toThrow("404");
    }
    expect((await fetch(`${server.url}/api/health`)).status).toBe(200);
  } finally {
    await server.dispose();
  }
});
