// The arrangement of equal boards on a screen. Pure: counts and lengths in and out.

/** Advantage of an arrangement without a shorter last row. */
const FULL = 1.25;

/**
 * Columns and rows for n boards on a screen, as near to squares as they get: eight lanes are 4 by 2 on a wide screen, two stand side by side.
 * lastRow: boards in the last row, which share its whole width, so that no part of the screen stays empty.
 */
export function arrange(n, width, height) {
  let best = { columns: 1, rows: Math.max(n, 1), lastRow: 1 };
  let worth = 0;
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const lastRow = n - (rows - 1) * columns;
    const found = Math.min(width / columns, height / rows) * (lastRow === columns ? FULL : 1);
    if (found > worth) [best, worth] = [{ columns, rows, lastRow }, found];
  }
  return best;
}
