/** Tests the places of webhooks that are delivered at the same time (H7). */
import { beforeEach, expect, it } from "vitest";
import { createRunPlaces, type RunPlaces } from "./run-places";

let slow: Set<string>;
let places: RunPlaces;

beforeEach(() => {
  slow = new Set();
  places = createRunPlaces({ isSlow: (ownerId) => slow.has(ownerId), listSlow: () => [...slow] });
});

const takeMany = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => places.take(`${prefix} ${n}`));

it("[H7] 64 webhooks with slow receivers take no place from the others, which go on from round to round", () => {
  for (let n = 0; n < 64; n++) slow.add(`slow ${n}`);
  takeMany("slow", 64);
  places.take("normal");
  expect(places.mayGoOn("normal")).toBe(true);
  expect(places.findRoom()).toMatchObject({ limit: 63, slowLimit: 64 });
  takeMany("other", 63);
  expect(places.mayGoOn("normal")).toBe(false);
  expect(places.findRoom()).toMatchObject({ limit: 0, slowLimit: 64 });
});

it("[H7] webhooks with slow receivers have a bound of their own, and give up their place after each round", () => {
  for (let n = 0; n < 130; n++) slow.add(`slow ${n}`);
  const ends = takeMany("slow", 128);
  expect(places.findRoom()).toMatchObject({ limit: 64, slowLimit: 0, perSlowOwner: 2 });
  expect(places.mayGoOn("slow 0")).toBe(false);
  expect(ends[0]?.()).toBe(true);
  expect(ends[1]?.()).toBe(false);
  expect(places.findRoom()).toMatchObject({ limit: 64, slowLimit: 2 });
  takeMany("slow", 2);
  takeMany("normal", 64);
  expect(places.findRoom()).toBeUndefined();
});

it("[H7] an account has 8 places, and 2 from when it is slow", () => {
  const ends = Array.from({ length: 8 }, () => places.take("a"));
  places.take("b");
  expect(places.findRoom()).toMatchObject({ limit: 55, busyOwners: ["a"] });
  for (const end of ends.splice(0, 6)) end();
  expect(places.findRoom()).toMatchObject({ limit: 61, busyOwners: [] });
  slow.add("a");
  expect(places.findRoom()).toMatchObject({ limit: 63, slowLimit: 126, busyOwners: ["a"], slowOwners: ["a"] });
  for (const end of ends) end();
  expect(places.findRoom()).toMatchObject({ slowLimit: 128, busyOwners: [] });
});
