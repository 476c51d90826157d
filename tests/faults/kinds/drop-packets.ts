/** The fault of a network: packets get lost between a node and everything else, at first some, then all. */
import { type Fault, SMALL_LOAD } from "../fault";

/** Writes that are acknowledged meanwhile, by the node that is not cut off at least. */
const WRITES_MEANWHILE = 60;

export const dropPackets: Fault = {
  name: "drop-packets",
  title: "packets dropped between a node and everything else, 25 %, then all",
  needs: { link: true },
  load: SMALL_LOAD,
  writesAround: 60,
  inject: async ({ deployment: { link }, acknowledged }) => {
    await link?.lose();
    await acknowledged(WRITES_MEANWHILE);
    await link?.cut();
    await acknowledged(WRITES_MEANWHILE);
    await link?.heal();
    return { endedAt: performance.now() };
  },
};
