/** Names fixed SQL, so that the driver prepares it once a connection. It must not be used for SQL that is put together at run time. */

const NAMED = /^\/\* (rested_[a-z_]+) \*\/ /;

/** `sql` under a name of its own; two statements must not share one. Also seen in pg_stat_activity. */
export function nameStatement(name: `rested_${string}`, sql: string): string {
  return `/* ${name} */ ${sql.trim()}`;
}

/** The name that {@link nameStatement} gave; undefined for any other SQL, which is not to be prepared. */
export function findStatementName(sql: string): string | undefined {
  return NAMED.exec(sql)?.[1];
}
