/** Recognises the database's answers that a name exists already, and that something no longer exists. By code, since `instanceof` fails across bundles. */

/** True for Prisma's error of a unique constraint. */
export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, "P2002");
}

/** True for Prisma's error of a foreign key, e.g. because the project was deleted since it was looked up. */
export function isForeignKeyViolation(error: unknown): boolean {
  return hasCode(error, "P2003");
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
