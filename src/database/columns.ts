import { getMetadataArgsStorage } from 'typeorm';

/** The columns of an entity, by the names of its properties. */
export function columnsOf(entity: new () => object): [property: string, column: string][] {
  return getMetadataArgsStorage()
    .filterColumns(entity)
    .map(({ propertyName, options }) => [propertyName, options.name ?? propertyName]);
}

/** What a statement of ours selects or returns, so that its rows are entities: `id, user_id AS "userId", …`. */
export function selectionOf(entity: new () => object): string {
  return columnsOf(entity)
    .map(([property, column]) => `${column} AS "${property}"`)
    .join(', ');
}
