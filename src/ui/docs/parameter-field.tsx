/** A field for one parameter: a select if the schema lists its values, otherwise a text field. Empty values are not sent. */
import type { ApiParameter } from "@/src/shared/openapi";
import { CONTROL, Field } from "../components/field";
import { Prose } from "./prose";

export function ParameterField({
  parameter,
  value,
  problem,
  onChange,
}: {
  parameter: ApiParameter;
  value: string;
  problem: string | undefined;
  onChange: (value: string) => void;
}) {
  const { name, description, required } = parameter;
  const choices = toChoices(parameter);
  const aside = (
    <span className="text-data text-muted">
      {parameter.in}
      {required ? ", required" : ""}
    </span>
  );
  return (
    <Field label={name} hint={<Prose text={description} inline />} problem={problem} aside={aside}>
      {(attributes) =>
        choices ? (
          <select {...attributes} value={value} onChange={(event) => onChange(event.target.value)} className={`${CONTROL} h-control px-2`}>
            <option value="">(none)</option>
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
          </select>
        ) : (
          <input
            {...attributes}
            value={value}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => onChange(event.target.value)}
            className={`${CONTROL} h-control px-2.5 font-mono text-data`}
          />
        )
      }
    </Field>
  );
}

function toChoices({ schema }: ApiParameter): string[] | undefined {
  if (typeof schema === "boolean") return undefined;
  if (schema.type === "boolean") return ["true", "false"];
  return Array.isArray(schema.enum) ? schema.enum.map(String) : undefined;
}
