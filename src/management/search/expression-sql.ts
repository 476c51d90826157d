/** Translates filter expressions (G27) to SQL, for records and for changes of the log. */
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import { type Bind, toCondition, toPart, toSearch } from "./filter-sql";
import { toPostgresPattern } from "./postgres-pattern";

/** The SQL of the columns besides `c."data"`. */
export interface ExpressionColumns {
  /** The record's id, a uuid. */
  id: string;
  /** The type of the change: POST, PUT or DELETE, as text. */
  type: string;
  /** The time of the change, a timestamptz. */
  at: string;
  /** The name of the endpoint, as text. Only for expressions with endpoints. */
  endpoint?: string;
}

/** `joins` follows the table `c` in FROM, and `condition` is a part of WHERE. */
export interface ExpressionSql {
  joins: string;
  condition: string;
}

const TYPES = { create: "POST", update: "PUT", delete: "DELETE" } as const;

/** Every value of the expression becomes a parameter. */
export function toExpressionSql(expression: FilterExpression, bind: Bind, columns: ExpressionColumns): ExpressionSql {
  const joins: string[] = [];
  const write = (part: FilterExpression): string => {
    switch (part.kind) {
      case "and":
      case "or":
        return `(${part.parts.map(write).join(part.kind === "and" ? " AND " : " OR ")})`;
      case "not":
        return `NOT ${write(part.part)}`;
      case "text":
        return `(${toSearch(part.text, bind, columns.id)})`;
      case "pattern":
        return `(c."data"::text COLLATE "C" ${part.ignoreCase ? "~*" : "~"} ${bind(toPostgresPattern(part.pattern), "text")})`;
      case "operation":
        return `(${columns.type} = ANY (${bind(
          part.operations.map((operation) => TYPES[operation]),
          "text[]",
        )}))`;
      case "record":
        return `(strpos(wire_id(${columns.id}), ${bind(part.part, "text")}) > 0)`;
      case "endpoint":
        return columns.endpoint === undefined ? "false" : `(${columns.endpoint} = ANY (${bind(part.names, "text[]")}))`;
      case "time": {
        const from = part.fromMs === undefined ? [] : [`${columns.at} >= ${bind(new Date(part.fromMs), "timestamptz")}`];
        const to = part.toMs === undefined ? [] : [`${columns.at} < ${bind(new Date(part.toMs), "timestamptz")}`];
        return `(${[...from, ...to].join(" AND ")})`;
      }
      case "size":
        return `(octet_length(c."data"::text) ${part.operator === "!=" ? "<>" : part.operator} ${bind(String(part.bytes), "numeric")})`;
      case "value": {
        const index = joins.length;
        joins.push(toPart(part.filter.path, index, bind));
        return `(${toCondition(part.filter, index, bind)})`;
      }
    }
  };
  const condition = write(expression);
  return { joins: joins.join(""), condition };
}
