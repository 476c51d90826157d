/** The bodies that the cases send. All servers get the same bodies. */

/** 150 bytes as JSON. */
export const BODY = {
  sensor: "kitchen",
  temperature: 21.5,
  humidity: 40,
  at: "2026-11-23T10:00:00Z",
  tags: ["window", "first-floor"],
  nested: { x: 1, y: 2, label: "NNE" },
};

/** Replaces it. */
export const CHANGED = { ...BODY, temperature: 22.5 };

/** Merged into it. */
export const MERGED = { temperature: 23.5 };

export const BULK = Array.from({ length: 200 }, (_, n) => ({ ...BODY, humidity: n }));

/** With a stamp, by which a stream's reader recognises it. */
export const STAMPED = (stamp: string) => ({ ...BODY, sensor: stamp });

export interface Sizes {
  records: number;
  ids: number;
  endpoints: number;
  keys: number;
}

export const SIZES = {
  /** In the collection that is read. */
  records: 10_000,
  /** Different ids that are read or written at random. */
  ids: 200,
  endpoints: 50,
  keys: 200,
  streams: 100,
};
