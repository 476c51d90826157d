/**
 * The roles of the built-in PostgreSQL: a superuser for administration, and an ordinary role that owns the application's database and everything in
 * it.
 */
import { randomBytes } from "node:crypto";
import pg from "pg";

export interface Credentials {
  user: string;
  password: string;
}

const APPLICATION_ROLE = "rested_app";

/** Finds the objects of the connected database with another owner, except those of PostgreSQL and of extensions. $1: the new owner. */
const FIND_FOREIGN_OBJECTS = `
WITH objects AS (
  SELECT 'SCHEMA ' || quote_ident(n.nspname) AS object, n.nspowner AS owner, 'pg_namespace'::regclass AS class, n.oid, n.nspname AS schema
    FROM pg_namespace n WHERE n.nspname <> 'public'
  UNION ALL
  -- A sequence of a column follows its table; a composite type is a relation.
  SELECT CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'S' THEN 'SEQUENCE ' WHEN 'c' THEN 'TYPE ' ELSE 'TABLE ' END
         || c.oid::regclass, c.relowner, 'pg_class'::regclass, c.oid, n.nspname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c')
     AND NOT (c.relkind = 'S' AND EXISTS (
       SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
  UNION ALL
  SELECT 'ROUTINE ' || p.oid::regprocedure, p.proowner, 'pg_proc'::regclass, p.oid, n.nspname
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  UNION ALL
  SELECT CASE t.typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || t.oid::regtype, t.typowner, 'pg_type'::regclass, t.oid, n.nspname
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typtype IN ('e', 'd', 'r')
)
SELECT object FROM objects
 WHERE owner <> $1::regrole AND schema <> 'information_schema' AND schema !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = objects.class AND d.objid = objects.oid AND d.deptype = 'e')`;

/**
 * Creates the database and its owner if they are missing, and sets a new password for the owner. Transfers the data of a release in which the
 * superuser owned them. Returns the owner's credentials, which are valid until the next call.
 */
export async function prepareDatabase(options: {
  host: string;
  port: number;
  superuser: Credentials;
  database: string;
}): Promise<Credentials> {
  const { superuser, database, ...server } = options;
  const password = randomBytes(24).toString("base64url");
  const role = pg.escapeIdentifier(APPLICATION_ROLE);
  await withClient({ ...server, ...superuser, database: "postgres" }, async (client) => {
    const attributes = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${pg.escapeLiteral(password)}`;
    const roles = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [APPLICATION_ROLE]);
    await client.query(`${roles.rowCount === 0 ? "CREATE" : "ALTER"} ROLE ${role} ${attributes}`);
    const databases = await client.query<{ isOwn: boolean }>(`SELECT datdba = $2::regrole AS "isOwn" FROM pg_database WHERE datname = $1`, [
      database,
      APPLICATION_ROLE,
    ]);
    const name = pg.escapeIdentifier(database);
    const [found] = databases.rows;
    if (!found) await client.query(`CREATE DATABASE ${name} OWNER ${role}`);
    else if (!found.isOwn) await client.query(`ALTER DATABASE ${name} OWNER TO ${role}`);
  });
  await withClient({ ...server, ...superuser, database }, async (client) => {
    const { rows } = await client.query<{ object: string }>(FIND_FOREIGN_OBJECTS, [APPLICATION_ROLE]);
    // One statement and therefore one transaction: after a crash the next start transfers everything.
    if (rows.length > 0) await client.query(rows.map(({ object }) => `ALTER ${object} OWNER TO ${role}`).join(";"));
  });
  return { user: APPLICATION_ROLE, password };
}

async function withClient(config: pg.ClientConfig, act: (client: pg.Client) => Promise<void>): Promise<void> {
  // Commits synchronously even if nothing else does: a password that is lost in a crash would lock this server out.
  const client = new pg.Client({ ...config, options: "-c synchronous_commit=on" });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}
