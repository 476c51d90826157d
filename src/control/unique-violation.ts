/** Recognises the database's answer that a name exists already. */

/** True for Prisma's unique constraint error; by code, since `instanceof` fails across bundles. */
export function isUniqueViolation(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "P2002";
}
