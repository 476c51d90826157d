/** The schema of a list of allowed origins. Separate from the functions, so that pages need not load the schemas. */
import * as z from "zod/mini";
import { ORIGINS_MAX, parseOrigin } from "./origins";

const allowedOrigin = z.pipe(
  z.string("Use a string."),
  z.transform((value, context) => {
    const parsed = parseOrigin(value);
    if (parsed.ok) return parsed.origin;
    context.issues.push({ code: "custom", message: parsed.problem, input: value });
    return z.NEVER;
  }),
);
export const allowedOrigins = z.pipe(
  z.array(allowedOrigin, "Use a list of origins.").check(z.maxLength(ORIGINS_MAX, `Use ${ORIGINS_MAX} origins at most.`)),
  z.transform((origins) => [...new Set(origins)]),
);
