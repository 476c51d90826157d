/**
 * Prisma's schema engine, compiled to WebAssembly, over the pg adapter. Does what `prisma migrate diff` does, without
 * the engine that Prisma would download. For development only; it uses a temporary server.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";

/** PostgreSQL's type "char", which many columns of its catalog have. */
const CHAR_OID = 18;
const TEXT_OID = 25;

/**
 * Compares the migrations of `migrationsDir` with the schema. `connection`: a server on which shadow databases can be
 * created, as fields, because a connection string would override the shadow database's name. Returns the SQL that the migrations lack.
 */
export async function diffMigrations({ connection, schemaPath, migrationsDir }) {
  const schema = { path: schemaPath, content: fs.readFileSync(schemaPath, "utf8") };
  const engine = await startEngine({ connection, schema });
  const { exitCode, stdout } = await engine.diff({
    from: { tag: "migrations", ...listMigrations(migrationsDir) },
    to: { tag: "schemaDatamodel", files: [schema] },
    script: true,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
  });
  return { isEqual: exitCode === 0, sql: stdout ?? "" };
}

function listMigrations(dir) {
  const names = fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  return {
    baseDir: path.resolve(dir),
    lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"\n' },
    shadowDbInitScript: "",
    migrationDirectories: names.sort().map((name) => {
      const value = fs.readFileSync(path.join(dir, name, "migration.sql"), "utf8");
      return { path: name, migrationFile: { path: "migration.sql", content: { tag: "ok", value } } };
    }),
  };
}

async function startEngine({ connection, schema }) {
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error("The schema engine panicked:", message) };
  const dir = path.dirname(createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
  const compiled = await WebAssembly.compile(fs.readFileSync(path.join(dir, "schema_engine_bg.wasm")));
  const instance = await WebAssembly.instantiate(compiled, { "./schema_engine_bg.js": bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const options = { datamodels: [[schema.path, schema.content]] };
  return await bindings.SchemaEngine.new(options, () => {}, bindMigrationAwareSqlAdapterFactory(createFactory(connection)));
}

function createFactory(connection) {
  const factory = new PrismaPg(connection);
  let isPatched = false;
  const patch = (adapter) => {
    if (!isPatched) supportChar(adapter);
    isPatched = true;
    // The adapter's own version splits the script at each semicolon, also in the bodies of functions.
    adapter.executeScript = async (script) => void (await adapter.underlyingDriver().query(script));
    return adapter;
  };
  const connect = factory.connect.bind(factory);
  factory.connect = async () => patch(await connect());
  // The adapter's own version drops the shadow database before it has closed its connections.
  factory.connectToShadowDb = async () => {
    const admin = await factory.connect();
    const database = `shadow_${crypto.randomUUID()}`;
    await admin.executeScript(`CREATE DATABASE "${database}"`);
    const shadow = patch(await new PrismaPg({ ...connection, database }).connect());
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await admin.executeScript(`DROP DATABASE "${database}"`);
      await admin.dispose();
    };
    return shadow;
  };
  return factory;
}

/** The adapter refuses columns of type "char"; the engine wants them as characters. */
function supportChar(adapter) {
  const queryable = Object.getPrototypeOf(Object.getPrototypeOf(adapter));
  const { performIO, queryRaw } = queryable;
  queryable.performIO = async function (query) {
    const result = await performIO.call(this, query);
    this.charColumns = [];
    for (const [index, field] of (result.fields ?? []).entries()) {
      if (field.dataTypeID !== CHAR_OID) continue;
      field.dataTypeID = TEXT_OID;
      this.charColumns.push(index);
    }
    return result;
  };
  queryable.queryRaw = async function (query) {
    const result = await queryRaw.call(this, query);
    for (const index of this.charColumns ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
}
