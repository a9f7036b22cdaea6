import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const source = readFileSync(join(resolve(__dirname, '..', '..'), 'src', 'index.ts'), 'utf8');

describe('what a host may import', () => {
  const statements = ts.createSourceFile('index.ts', source, ts.ScriptTarget.Latest).statements;
  const names = statements.flatMap((statement) =>
    ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)
      ? statement.exportClause.elements.map(({ name }) => name.text)
      : ['*'],
  );

  it('is listed name by name, and is not more than 80', () => {
    expect(names).not.toContain('*');
    expect(names.length).toBeLessThanOrEqual(80);
  });

  it('changes with this list only, and with a note in the changelog', () => {
    expect([...names].sort()).toMatchSnapshot();
  });
});
