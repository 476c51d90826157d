/** Names fixed SQL statements, so that the driver prepares each once per connection. Never name SQL that is composed at run time. */

const NAMED = /^\/\* (rested_[a-z_]+) \*\/ /;

/** Adds a name to `sql`. The name must be unique. It is also visible in pg_stat_activity. */
export function nameStatement(name: `rested_${string}`, sql: string): string {
  return `/* ${name} */ ${sql.trim()}`;
}

/** The name that {@link nameStatement} added. Undefined for other SQL, which must not be prepared. */
export function findStatementName(sql: string): string | undefined {
  return NAMED.exec(sql)?.[1];
}
