// Heads of the tables in .sortable become buttons that sort by their column, and the other way round when
// pressed again. Without a figure a cell comes last.
for (const table of document.querySelectorAll(".sortable table")) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column], text = cell.textContent.trim();
    return "key" in cell.dataset ? Number(cell.dataset.key) : text === "-" ? undefined : text;
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(b));
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
      const empty = rows.filter(([value]) => value === undefined);
      const full = rows.filter(([value]) => value !== undefined);
      full.sort(([a], [b]) => sign * compare(a, b));
      table.tBodies[0].append(...[...full, ...empty].map(([, row]) => row));
    });
  });
}
