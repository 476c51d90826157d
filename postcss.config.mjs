/** Tailwind 4 is all that processes our CSS. */
export default { plugins: { "@tailwindcss/postcss": {} } };
