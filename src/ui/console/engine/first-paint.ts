/** The console's first paint, which the server renders: the end of the log, by the engine itself. */

import { parseLogPage } from "../../stream/stream-message";
import { ConsoleEngine } from "./console-engine";
import type { Flush } from "./console-messages";
import type { EventFilter } from "./event-filter";

/** More than fit in a large window. */
const ROWS = 60;
const CHARACTERS = 240;
const LIMITS = { eventsMax: 200, bytesMax: 16 * 1024 * 1024 };

/** `logPage`: the newest page of the log, as `endpoints/{id}/changes` returns it. */
export function toFirstPaint(logPage: string, filter: EventFilter): Flush {
  const engine = new ConsoleEngine({ limits: LIMITS, filter, nowMs: () => Date.now() });
  engine.begin(parseLogPage(logPage));
  engine.setView({ follow: true, count: ROWS, characters: CHARACTERS });
  return engine.flush();
}
