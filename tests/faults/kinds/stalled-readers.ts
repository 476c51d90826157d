/** Clients that stop reading for a while: they fall behind without affecting others, and in the end have received everything on the same socket (W7). */
import { until } from "@/tests/support/until";
import { type Fault, RECOVERY_TIMEOUT_MS } from "../fault";

const READERS = 5;
/** Large enough to fill the buffers of the operating system soon. */
const PAD_BYTES = 256 * 1024;

export const stalledReaders: Fault = {
  name: "stalled-readers",
  title: `${READERS} clients that stop reading, and continue once they are behind`,
  needs: {},
  load: { paceMs: 5, padBytes: 100 },
  writesAround: 40,
  inject: async ({ deployment: { nodes }, writers, subscribers, subscribe, run }) => {
    const place = run % 2;
    const node = nodes[place === 0 ? 0 : 1];
    const others = [...subscribers];
    const losses = () => others.reduce((sum, { closes }) => sum + closes.length, 0);
    const lossesBefore = losses();
    const readers = await subscribe(READERS, { node: place });
    for (const reader of readers) reader.stall();
    writers.load.padBytes = PAD_BYTES;
    await until("the stalled readers to fall behind", async () => (await node.state()).behind >= READERS, {
      timeoutMs: RECOVERY_TIMEOUT_MS,
    });
    writers.load.padBytes = stalledReaders.load.padBytes;
    const endedAt = performance.now();
    for (const reader of readers) reader.readOn();
    return {
      endedAt,
      check: async () => [
        ...readers.flatMap(({ closes }) => (closes.length === 0 ? [] : [`a stalled reader was closed with ${closes.join(", ")}`])),
        ...(losses() > lossesBefore ? [`other subscribers lost ${losses() - lossesBefore} connections`] : []),
      ],
    };
  },
};
