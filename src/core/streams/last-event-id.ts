/** Where a client stopped reading a stream: the header that browsers send, or the parameter of clients that cannot set headers (W12). It must not know cursors. */
import { AppError } from "@/src/shared/errors";

/** Libraries spell the parameter in several ways: `lastEventId`, `lastEventID`, `Last-Event-ID`. */
const NAME = /^last-?event-?id$/i;

/**
 * The last event id that a request names; undefined: none. Empty ones do not count. It goes before `since` and `snapshot`: a client that reconnects sends
 * the URL that it began with. Throws `parameter_invalid` when header and parameter, or two parameters, differ.
 */
export function parseLastEventId(parameters: URLSearchParams, header: string | string[] | undefined): string | undefined {
  const named = [...parameters].filter(([name, value]) => NAME.test(name) && value !== "").map(([, value]) => value);
  const sent = [header ?? []].flat().filter((value) => value !== "");
  const [first, ...others] = [...sent, ...named];
  if (others.every((other) => other === first)) return first;
  const detail =
    "The header Last-Event-ID and the parameter lastEventId differ. Send one of them. To start at a stored cursor and resume by the header, use since=<cursor>.";
  throw new AppError("parameter_invalid", { detail });
}
