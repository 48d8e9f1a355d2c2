/** Start of a text that a spreadsheet would run as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Rows as CSV for a spreadsheet: RFC 4180, with a byte order mark so that Excel reads UTF-8.
 * `columns` are `{name, kind}`. Values are as Druid returned them, but a text that could be a
 * formula gets a leading apostrophe.
 */
export function csv(columns, rows) {
  const lines = rows.map((row) =>
    row.map((value, n) => cell(value, columns[n].kind === "text" || typeof value !== "number")),
  );
  const head = columns.map((column) => cell(column.name, true));
  return `\ufeff${[head, ...lines].map((line) => `${line.join(",")}\r\n`).join("")}`;
}

function cell(value, isText) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = isText && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Download a text, or a Blob of another type, as a file. */
export function download(name, content, type = "text/csv;charset=utf-8") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  URL.revokeObjectURL(link.href);
}
