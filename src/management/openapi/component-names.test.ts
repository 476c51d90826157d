/** Names of components and operations. */
import { describe, expect, it } from "vitest";
import { ComponentNames } from "./component-names";

describe("ComponentNames", () => {
  it("[G5] makes words that no two endpoints share, whatever comes after them", () => {
    const names = new ComponentNames(["Problem", "StoredRecord"]);
    const claimed = [
      "garden/day-readings",
      "garden-day/readings",
      "gardenday/readings",
      "garden",
      "garden-data",
      "1-2-3",
      "stored",
      "problem",
    ];
    expect(claimed.map((name) => names.claim(name))).toEqual([
      "GardenDayReadings",
      "GardenDayReadings2",
      "GardendayReadings3",
      "Garden",
      "GardenData2",
      "Endpoint123",
      "Stored2",
      "Problem2",
    ]);
  });
});
