/** A network fault: packets between a node and the rest are lost, first some, then all. */
import { type Fault, SMALL_LOAD } from "../fault";

/** The writes that are acknowledged during the fault, at least by the node that is still connected. */
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
