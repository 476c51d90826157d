/** Selects the encoding of a file to import, from those that spreadsheets write. */
import { ANSI_CHARSET, IMPORT_CHARSETS } from "@/src/shared/record-limits";
import { CONTROL, Field } from "../../components/field";

const LABELS: Readonly<Record<(typeof IMPORT_CHARSETS)[number], string>> = {
  "utf-8": "UTF-8",
  "utf-16le": "UTF-16 (Unicode text)",
  "utf-16be": "UTF-16, big-endian",
  [ANSI_CHARSET]: "Windows-1252 (Western)",
  "windows-1250": "Windows-1250 (Central European)",
  "windows-1251": "Windows-1251 (Cyrillic)",
  "windows-1253": "Windows-1253 (Greek)",
  "windows-1254": "Windows-1254 (Turkish)",
  "windows-1255": "Windows-1255 (Hebrew)",
  "windows-1256": "Windows-1256 (Arabic)",
  "windows-1257": "Windows-1257 (Baltic)",
  "windows-1258": "Windows-1258 (Vietnamese)",
  macintosh: "Mac Roman",
  shift_jis: "Shift JIS (Japanese)",
  gb18030: "GB 18030 (Chinese, simplified)",
  big5: "Big5 (Chinese, traditional)",
  "euc-kr": "EUC-KR (Korean)",
};

/** `value` is undefined if the encoding is unknown because the file was rejected. */
export function ImportCharset({
  value,
  isGuess,
  onChange,
}: {
  value: string | undefined;
  isGuess: boolean;
  onChange: (charset: string) => void;
}) {
  return (
    <Field
      label="Encoding"
      hint={isGuess ? "The encoding is a guess. If letters such as é look wrong below, choose another one." : undefined}
    >
      {(attributes) => (
        <select
          {...attributes}
          value={value ?? ""}
          onChange={(event) => onChange(event.target.value)}
          className={`${CONTROL} h-control px-2`}
        >
          {value === undefined ? (
            <option value="" disabled>
              Choose an encoding
            </option>
          ) : null}
          {IMPORT_CHARSETS.map((name) => (
            <option key={name} value={name}>
              {LABELS[name]}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
