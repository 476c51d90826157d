/** Exchanges counts with the other worker processes of a server (W28), so that limits apply to the server and decisions stay local. */
import type { CountExchange } from "@/src/core/limits/ports";

/** Changes of one time slice: by name, the ids and what to add to each. */
export type CountChanges = readonly (readonly [name: string, id: string, change: number])[];

export interface CountMessage {
  /** Of what is open. When a process ends, its parent takes back what it had added. */
  gauges: CountChanges;
  /** Of events. */
  tallies: CountChanges;
}

export interface ExchangedCounts extends CountExchange {
  /** Takes over what other processes sent. */
  receive(message: CountMessage): void;
}

/** Changes are sent together after this time. A limit can be exceeded by what arrives at the other processes in twice this time. */
const SLICE_MS = 10;

/** `send` is called at most once in each slice of time, and never with nothing. */
export function createCountExchange({ send }: { send: (message: CountMessage) => void }): ExchangedCounts {
  const others = new Map<string, Map<string, number>>();
  const listeners = new Map<string, (id: string, amount: number) => void>();
  let gauges = new Map<string, Map<string, number>>();
  let tallies = new Map<string, Map<string, number>>();
  let isDue = false;

  const flush = () => {
    isDue = false;
    const message = { gauges: toChanges(gauges), tallies: toChanges(tallies) };
    gauges = new Map();
    tallies = new Map();
    if (message.gauges.length > 0 || message.tallies.length > 0) send(message);
  };
  const schedule = () => {
    if (isDue) return;
    isDue = true;
    setTimeout(flush, SLICE_MS).unref();
  };

  return {
    gauge: (name) => {
      // The counts of the others can arrive first.
      const counts = others.get(name) ?? new Map<string, number>();
      others.set(name, counts);
      return {
        add: (id, change) => {
          addTo(gauges, name, id, change);
          schedule();
        },
        others: (id) => counts.get(id) ?? 0,
      };
    },
    tally: (name, onOthers) => {
      listeners.set(name, onOthers);
      return {
        add: (id, amount) => {
          addTo(tallies, name, id, amount);
          schedule();
        },
      };
    },
    receive: (message) => {
      for (const [name, id, change] of message.gauges) addTo(others, name, id, change);
      for (const [name, id, change] of message.tallies) listeners.get(name)?.(id, change);
    },
  };
}

/** Adds to a count. Counts that become 0 are not kept. */
export function addTo(sets: Map<string, Map<string, number>>, name: string, id: string, change: number): void {
  let counts = sets.get(name);
  if (!counts) {
    counts = new Map();
    sets.set(name, counts);
  }
  const count = (counts.get(id) ?? 0) + change;
  if (count === 0) counts.delete(id);
  else counts.set(id, count);
}

export function toChanges(sets: ReadonlyMap<string, ReadonlyMap<string, number>>): [string, string, number][] {
  return [...sets].flatMap(([name, counts]) => [...counts].map(([id, change]): [string, string, number] => [name, id, change]));
}
