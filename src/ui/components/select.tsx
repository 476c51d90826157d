/** A choice of one of the things with a name, or of all of them. */

export function Select({
  label,
  value,
  all,
  options,
  onChange,
}: {
  label: string;
  /** `""` for all. */
  value: string;
  /** The text for all of them. */
  all: string;
  options: readonly { id: string; name: string }[];
  onChange: (id: string) => void;
}) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={({ target }) => onChange(target.value)}
      className="h-control max-w-60 min-w-0 rounded-md border border-control bg-surface px-2 pointer-coarse:h-11"
    >
      <option value="">{all}</option>
      {value !== "" && !options.some(({ id }) => id === value) ? <option value={value}>Not found</option> : null}
      {options.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
