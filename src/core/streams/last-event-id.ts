/**
 * Reads where a client stopped reading a stream: from the header that browsers send, or from the parameter of clients that cannot set headers (W12).
 */
import { AppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";

/** Libraries spell the parameter in several ways: `lastEventId`, `lastEventID`, `Last-Event-ID`. */
const NAME = /^last-?event-?id$/i;

/**
 * The last event id of a request. Undefined if there is none; empty ones are ignored. It takes precedence over `since` and `snapshot`, because a
 * reconnecting client repeats its original URL. Throws `parameter_invalid` if header and parameter, or two parameters, differ.
 */
export function parseLastEventId(parameters: QueryParameters, header: string | string[] | undefined): string | undefined {
  const named = [...parameters].filter(([name, value]) => NAME.test(name) && value !== "").map(([, value]) => value);
  const sent = [header ?? []].flat().filter((value) => value !== "");
  const [first, ...others] = [...sent, ...named];
  if (others.every((other) => other === first)) return first;
  const detail =
    "The header Last-Event-ID and the parameter lastEventId differ. Send one of them. To start at a stored cursor and resume by the header, use since=<cursor>.";
  throw new AppError("parameter_invalid", { detail });
}
