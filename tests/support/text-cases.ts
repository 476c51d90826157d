/** The results of searches (G13): one table for the database and for browsers. */

export interface SearchCase {
  what: string;
  /** The stored text. */
  json: string;
  /** Searches that find the text. */
  finds: readonly string[];
  /** Searches that do not find it. */
  misses?: readonly string[];
}

export const NFD = "e\u0301";

export const SEARCH_CASES: readonly SearchCase[] = [
  { what: "plain letters", json: '{"City":"Bonn","n":1.10}', finds: ["bonn", "CITY", '"n":1.10', "nn"], misses: ["born"] },
  {
    what: "escapes of letters",
    json: '{"note":"caf\\u00e9"}',
    finds: ["café", "CAFÉ", `caf${NFD}`, "fé"],
    misses: ["cafe", "u00e9", "\\u00e9"],
  },
  { what: "escapes in capital hex", json: '"CAF\\u00C9"', finds: ["café", "CAFÉ", `caf${NFD}`] },
  { what: "letters as they are", json: '"café"', finds: ["café", "CAFÉ", `caf${NFD}`], misses: ["cafe"] },
  { what: "letters taken apart", json: `"caf${NFD} au lait"`, finds: ["café", "CAFÉ AU", `caf${NFD} a`], misses: ["cafe", "e au"] },
  { what: "letters taken apart in escapes", json: '"cafe\\u0301"', finds: ["café", `CAFE\u0301`], misses: ["cafe"] },
  { what: "ASCII in escapes", json: '"\\u0063\\u0061f\\u0065\\u0301 \\u003cb\\u003E"', finds: ["café", "<b>", "caf"] },
  { what: "escaped keys", json: '{"gr\\u00f6\\u00dfe":1}', finds: ["größe", "GRÖßE", '"größe":1', "größẞ".slice(0, 4)] },
  { what: "pairs of surrogates", json: '"so \\ud83d\\uDE00 glad"', finds: ["😀", "so 😀 glad"], misses: ["😁"] },
  { what: "half pairs", json: '"a \\ud83d b \\ude00 c é"', finds: ["a \ufffd b", "b \ufffd c", "c é"], misses: ["😀"] },
  { what: "a high half before a pair", json: '"\\ud83d\\ud83d\\ude00\\ude00"', finds: ["\ufffd😀\ufffd"], misses: ["😀😀"] },
  { what: "an escaped backslash before letters", json: '"\\\\u00e9 \\\\ud83d"', finds: ["\\u00e9", "\\ud83d"], misses: ["é", "\\\\u"] },
  { what: "three backslashes", json: '"\\\\\\u00e9"', finds: ["\\é", "\\É"], misses: ["u00e9", "\\\\"] },
  {
    what: "quotes, slashes and backslashes",
    json: '"say \\"hi\\" \\/ C:\\\\dir"',
    finds: ['say "hi" /', "C:\\dir", 'y "H'],
    misses: ['\\"hi', "\\/"],
  },
  { what: "lines and tabs", json: '"one\\ntwo\\tthree"', finds: ["one\ntwo", "two\tthree"], misses: ["ntwo", "one two"] },
  {
    what: "white space as it is",
    json: '{\n  "a": "b",\n  "c": "\\u00e9"\n}',
    finds: ['"a": "b"', '"c": "é"', ',\n  "c"'],
    misses: ['{"a"'],
  },
  { what: "control characters", json: '"a\\u0007b\\u001Fc\\bd"', finds: ["a\u0007b", "b\u001fc", "c\bd"], misses: ["u0007"] },
  { what: "patterns", json: '"a.b*c[d]|(e)^$"', finds: [".b*", "c[d]|", "(E)^$"], misses: ["a.*c", "a|b", "axb"] },
  { what: "Greek, with its last sigma", json: '"ΟΔΟΣ ΣΟΦΟΣ"', finds: ["οδος", "οδοσ", "σοφοσ", "ΟΔΟΣ"] },
  { what: "Greek with accents", json: '"\\u1f08\\u03b8\\u1fc6\\u03bd\\u03b1\\u03b9 Άνω"', finds: ["ἀθῆναι", "ἈΘΗ͂ΝΑΙ", "άνω"] },
  { what: "Cyrillic", json: '"Мой Ёж"', finds: ["мой", "ЁЖ", "мо\u0438\u0306", "ёж"], misses: ["мои", "еж"] },
  { what: "Cyrillic in escapes", json: '"\\u041c\\u043e\\u0439"', finds: ["мой", "МОЙ"], misses: ["мои"] },
  { what: "Turkish", json: '"İstanbul ıI"', finds: ["istanbul", "İSTANBUL", "I\u0307stanbul", "ıi"], misses: ["ii"] },
  { what: "a dotted I taken apart", json: '"I\u0307stanbul"', finds: ["istanbul", "İstanbul"] },
  { what: "a sign that is a letter", json: '"300 \u212a, 5 \u2126, 1 \u212b"', finds: ["300 K", "5 Ω", "1 å", "5 ω"] },
  { what: "a letter that needs composing after its case", json: '"J\u030cx"', finds: ["ǰx", "J\u030c"] },
  { what: "German", json: '"STRAẞE Straße"', finds: ["straße", "STRAẞE"], misses: ["strasse"] },
  { what: "Hangul", json: '"한국어"', finds: ["한국", "한국".normalize("NFD")], misses: ["하"] },
  { what: "Hangul taken apart", json: `"${"한국어".normalize("NFD")}"`, finds: ["한국", "국어".normalize("NFD")], misses: ["하"] },
  { what: "Hindi", json: '"क़लम नमस्ते"', finds: ["क\u093cलम", "नमस्ते", "मस्"], misses: ["कलम"] },
  {
    what: "Vietnamese",
    json: '"Việt \\u1ec6"',
    finds: ["việt", "vi\u0065\u0323\u0302t", "VI\u00ca\u0323T", " ệ"],
    misses: ["viet", "viêt"],
  },
  { what: "marks in another order", json: '"q\u0307\u0323 a\u0308\u0323"', finds: ["q\u0323\u0307", "q\u0307\u0323", "ạ\u0308"] },
  { what: "Arabic marks in another order", json: '"\u0628\u0651\u064e"', finds: ["\u0628\u064e\u0651", "\u0628\u0651\u064e"] },
  { what: "Cherokee", json: '"ᎠᎡ"', finds: ["ꭰꭱ", "ᎠᎡ"] },
  { what: "Chinese", json: '"温度 \uf900"', finds: ["温度", "\u8c48"], misses: ["湿度"] },
  { what: "letters beyond the first plane", json: '"𐐀𝕏 \\ud801\\udc00"', finds: ["𐐨", "𝕏 𐐨", "𐐀"] },
];

/** Filters of the grid, and whether the data matches them. */
export const FILTER_CASES: readonly (readonly [json: string, filter: string, isMet: boolean])[] = [
  ['{"note":"caf\\u00e9"}', 'note = "café"', true],
  ['{"note":"caf\\u00e9"}', `note = "caf${NFD}"`, true],
  ['{"note":"caf\\u00e9"}', 'note = "caf\\u00e9"', true],
  ['{"note":"caf\\u00e9"}', 'note = "CAFÉ"', false],
  ['{"note":"caf\\u00e9"}', 'note != "café"', false],
  ['{"note":"caf\\u00e9"}', 'note ~ "FÉ"', true],
  [`{"note":"caf${NFD}"}`, 'note = "café"', true],
  [`{"note":"caf${NFD}"}`, 'note != "café"', false],
  [`{"note":"caf${NFD}"}`, 'note ~ "CAFÉ"', true],
  [`{"note":"caf${NFD}"}`, 'note ~ "cafe"', false],
  ['{"note":"cafe\\u0301"}', 'note = "café"', true],
  ['{"note":"café"}', 'note = "cafe"', false],
  ['{"note":"\\\\u00e9"}', 'note = "é"', false],
  ['{"note":"\\\\u00e9"}', 'note = "\\\\u00e9"', true],
  ['{"note":"\\\\ud83d"}', 'note = "\\\\ud83d"', true],
  ['{"note":"a\\ud83d"}', 'note = "a\ufffd"', true],
  ['{"note":"a\\ud83d"}', 'note = "a\\ud83d"', true],
  ['{"note":"a\\"\\u0022\\\\\\u005C\\u005cb"}', 'note = "a\\"\\"\\\\\\\\\\\\b"', true],
  ['{"note":"a\\tb\\u0009\\u001f\\u00e9"}', 'note = "a\\tb\\t\\u001fé"', true],
  ['{"note":"é"}', 'note > "z"', true],
  [`{"note":"${NFD}"}`, 'note > "z"', true],
  ['{"gr\\u00f6\\u00dfe":1}', "größe = 1", true],
  ['{"gro\u0308ße":1}', "größe = 1", true],
  ['{"größe":1}', '["gro\u0308ße"] exists', true],
  ['{"größe":1}', "große missing", true],
  ['{\n "größe": 1,\n "x": "\\u00e9"}', "größe = 1", true],
  ['{"tags":["caf\\u00e9","say \\"hi\\""]}', 'tags ~ "CAFÉ"', true],
  ['{"tags":["caf\\u00e9","say \\"hi\\""]}', 'tags ~ "say \\"hi\\""', true],
  ['{"tags":["caf\\u00e9"]}', "tags ~ u00e9", false],
  ['{"tags":["caf\\u00e9"]}', 'tags[0] = "café"', true],
  ['"caf\\u00e9"', '$ = "café"', true],
  ['"ΟΔΟΣ"', "$ ~ οδος", true],
  ['"İzmir"', "$ ~ izmir", true],
];
