/** Tests the places of requests to receivers (H7). */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRequestLanes, type RequestLanes } from "./request-lanes";

const SLOW_MS = 5_000;
let lanes: RequestLanes;
let started: string[];
const { signal } = new AbortController();

beforeEach(() => {
  vi.useFakeTimers();
  started = [];
  lanes = createRequestLanes({ slowMs: SLOW_MS, now: () => Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const countOf = (owner: string) => started.filter((each) => each === owner).length;
/** Requests that never end. */
function hang(owner: string, requests: number): void {
  for (let n = 0; n < requests; n++) {
    const never = () => {
      started.push(owner);
      return new Promise<never>(() => undefined);
    };
    lanes.run([owner, `webhook ${n % 4}`], never, signal).catch(() => undefined);
  }
}

it("[H7] an account has 16 requests in progress, and all accounts 64", async () => {
  for (const owner of ["a", "b", "c", "d", "e"]) hang(owner, 20);
  await vi.advanceTimersByTimeAsync(0);
  expect(["a", "b", "c", "d", "e"].map(countOf)).toEqual([16, 16, 16, 16, 0]);
});

it("[H7] receivers of four accounts that hang hold up the others for the time after which a request is slow, and then no more", async () => {
  for (const owner of ["a", "b", "c", "d"]) hang(owner, 100);
  let isDone = false;
  const other = lanes
    .run(["e", "webhook"], async () => "a response", signal)
    .then((response) => {
      isDone = true;
      return response;
    });
  await vi.advanceTimersByTimeAsync(SLOW_MS - 1);
  expect(isDone).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await other).toBe("a response");
  expect(lanes.isSlow("a")).toBe(true);
  expect(lanes.isSlow("e")).toBe(false);
});

it("[H7] an account with a slow request has four places for ten minutes, apart from those of the others", async () => {
  hang("a", 1);
  await vi.advanceTimersByTimeAsync(SLOW_MS);
  hang("a", 10);
  await vi.advanceTimersByTimeAsync(0);
  expect(countOf("a")).toBe(1 + 4);
  hang("b", 10);
  await vi.advanceTimersByTimeAsync(0);
  expect(countOf("b")).toBe(10);
});

it("[H7] requests that waited when their account became slow wait in the lane of slow accounts", async () => {
  hang("a", 100);
  await vi.advanceTimersByTimeAsync(SLOW_MS);
  expect(countOf("a")).toBe(16 + 4);
  await vi.advanceTimersByTimeAsync(SLOW_MS);
  expect(countOf("a")).toBe(16 + 4);
});

it("[H7] an account is no longer slow ten minutes after its last slow request", async () => {
  let end: (text: string) => void = () => undefined;
  const request = lanes.run(["a", "webhook"], () => new Promise<string>((resolve) => (end = resolve)), signal);
  await vi.advanceTimersByTimeAsync(SLOW_MS);
  end("late");
  expect(await request).toBe("late");
  await vi.advanceTimersByTimeAsync(599_000);
  expect(lanes.isSlow("a")).toBe(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(lanes.isSlow("a")).toBe(false);
});

it("[H7] a request that fails settles as its work does", async () => {
  await expect(lanes.run(["a", "webhook"], () => Promise.reject(new Error("refused")), signal)).rejects.toThrow("refused");
});
