/** The schema of a project's allowed origins, as forms and the management API take them (U4). */
import * as z from "zod/mini";
import { ORIGINS_MAX, parseOrigin } from "@/src/shared/http/origins";

const allowedOrigin = z.pipe(
  z.string("Use a text."),
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
