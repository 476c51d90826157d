/** The fault of clients that don't read: they are ended, nobody else notices, and they resume. */
import { until } from "@/tests/support/until";
import { type Fault, RECOVERY_TIMEOUT_MS } from "./fault";

const READERS = 5;
/** So large that the buffers of the operating system are full soon. */
const PAD_BYTES = 256 * 1024;
const SLOW_CONSUMER = 1013;

export const stalledReaders: Fault = {
  name: "stalled-readers",
  title: `${READERS} clients that stop reading, and resume once they were ended`,
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
    const { sockets } = await node.state();
    for (const reader of readers) reader.stall();
    writers.load.padBytes = PAD_BYTES;
    await until("the server to end who does not read", async () => (await node.state()).sockets <= sockets - READERS, {
      timeoutMs: RECOVERY_TIMEOUT_MS,
    });
    writers.load.padBytes = stalledReaders.load.padBytes;
    const endedAt = performance.now();
    for (const reader of readers) reader.readOn();
    return {
      endedAt,
      check: async () => [
        ...readers.flatMap(({ closes }) => (closes[0] === SLOW_CONSUMER ? [] : [`a stalled reader was ended with ${closes.join(", ")}`])),
        ...(losses() > lossesBefore ? [`other subscribers lost ${losses() - lossesBefore} connections`] : []),
      ],
    };
  },
};
