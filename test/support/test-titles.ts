import { readFileSync } from 'node:fs';
import ts from 'typescript';

/**
 * The titles of a spec: what `describe` and `it` are called with there, and the names of the rows of `each`. What is
 * skipped, or stands in a comment or another string, is no title.
 */
export function testTitles(file: string): Set<string> {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
  const titles = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const called = calledFunction(node.expression);
      if (called && /\.(skip|todo)\b/.test(called.text)) return;
      if (called) [node.arguments[0], ...called.rows].forEach((title) => addText(titles, title));
    }
    node.forEachChild(visit);
  };
  visit(source);
  return titles;
}

/** `it`, `describe`, `it.each(rows)` and the like. */
function calledFunction(callee: ts.Expression): { text: string; rows: ts.Expression[] } | undefined {
  const each = ts.isCallExpression(callee) ? callee : undefined;
  const text = (each?.expression ?? callee).getText();
  if (!/^(it|describe\w*)(\.\w+)*$/.test(text)) return undefined;
  const rows = elementsOf(each?.arguments[0]);
  return { text, rows: rows.map((row) => elementsOf(row)[0] ?? row) };
}

function elementsOf(list: ts.Expression | undefined): readonly ts.Expression[] {
  if (list && ts.isAsExpression(list)) return elementsOf(list.expression);
  return list && ts.isArrayLiteralExpression(list) ? list.elements : [];
}

function addText(titles: Set<string>, node: ts.Expression | undefined): void {
  if (node && ts.isStringLiteralLike(node)) titles.add(node.text);
}
