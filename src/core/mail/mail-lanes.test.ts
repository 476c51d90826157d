/** Tests the places of mails that are sent at the same time (M2). */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createMailLanes, type MailLanes } from "./mail-lanes";

const SLOW_MS = 10_000;
let lanes: MailLanes;
let givenUp: string[];
let rooms: number;

beforeEach(() => {
  vi.useFakeTimers();
  givenUp = [];
  rooms = 0;
  lanes = createMailLanes({ slowMs: SLOW_MS, onRoom: () => (rooms += 1), now: () => Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const start = (accountId: string, host: string | null = `${accountId}.example`) =>
  lanes.start({ accountId, host }, () => givenUp.push(accountId));

describe("places", () => {
  it("[M2] are bounded for an account, for a host, for all mail servers of projects, and for the deployment's", () => {
    expect(lanes.findRoom()).toEqual({
      ...{ max: 16, maxPerHost: 8, hosts: new Map(), exceptAccounts: [], exceptOwnServers: false, exceptDeployment: false },
    });
    for (let n = 0; n < 4; n++) start("a");
    expect(lanes.findRoom()).toMatchObject({ max: 12, maxPerHost: 8, hosts: new Map([["a.example", 4]]), exceptAccounts: ["a"] });
    for (let n = 0; n < 8; n++) start(`b${n}`, "big.example");
    expect(lanes.findRoom()).toMatchObject({ max: 4, maxPerHost: 8, exceptAccounts: ["a"] });
    expect(lanes.findRoom()?.hosts).toEqual(
      new Map([
        ["a.example", 4],
        ["big.example", 0],
      ]),
    );
    for (let n = 0; n < 4; n++) start(`c${n}`);
    expect(lanes.findRoom()).toMatchObject({ max: 8, exceptOwnServers: true, exceptDeployment: false });
    for (let n = 0; n < 8; n++) start(`d${n}`, null);
    expect(lanes.findRoom()).toBeUndefined();
  });

  it("[M2] of the deployment's mail server, when it hangs, leave places for the mail servers of projects", () => {
    for (let n = 0; n < 16; n++) start(`a${n}`, null);
    expect(lanes.findRoom()).toMatchObject({ max: 8, exceptDeployment: true, exceptOwnServers: false });
    vi.advanceTimersByTime(SLOW_MS * 9);
    expect(lanes.findRoom()).toMatchObject({ max: 8, exceptDeployment: true });
  });
});

describe("slow attempts", () => {
  it("[M2] give their places to others, and their accounts have few places for ten minutes", () => {
    const ends = Array.from({ length: 16 }, (_, n) => start(`a${n % 4}`));
    expect(lanes.findRoom()).toMatchObject({ exceptOwnServers: true });
    vi.advanceTimersByTime(SLOW_MS);
    expect(rooms).toBe(16);
    expect(lanes.findRoom()).toMatchObject({ max: 16, exceptOwnServers: false, exceptAccounts: ["a0", "a1", "a2", "a3"] });
    for (const end of ends) end();
    const end = start("a0");
    expect(lanes.findRoom()?.exceptAccounts).toEqual(["a0"]);
    end();
    vi.advanceTimersByTime(600_000);
    expect(lanes.findRoom()?.exceptAccounts).toEqual([]);
  });

  it("[M2] of many accounts leave half of the places to the others", () => {
    for (let n = 0; n < 16; n++) start(`a${n}`);
    vi.advanceTimersByTime(SLOW_MS);
    const ends = Array.from({ length: 8 }, (_, n) => start(`a${n}`));
    const room = lanes.findRoom();
    expect(room).toMatchObject({ max: 8, exceptOwnServers: false });
    expect(room?.exceptAccounts).toHaveLength(16);
    for (const end of ends) end();
  });

  it("[M2] are bounded: one more ends the oldest of the account that has most", () => {
    for (let n = 0; n < 4; n++) start("a");
    for (let n = 0; n < 12; n++) start(`b${n}`);
    vi.advanceTimersByTime(SLOW_MS);
    expect(givenUp).toEqual([]);
    start("c");
    vi.advanceTimersByTime(SLOW_MS);
    expect(givenUp).toEqual(["a"]);
  });
});
