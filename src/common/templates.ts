import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { compileTemplate } from 'pug';

/** Pug templates of a folder, each compiled once, at its first use. */
export class Templates {
  private readonly compiled = new Map<string, compileTemplate>();

  /**
   * @param fallback folder of the templates that the first one does not have
   * @throws Error when the first one is not there
   */
  constructor(
    private readonly directory: string,
    private readonly fallback = directory,
  ) {
    if (!existsSync(directory)) throw new Error(`There is no folder of templates at ${directory}.`);
  }

  /**
   * @param name file name without `.pug`
   * @param locals what the template may see; an explicit list, never request data as it came (CVE-2021-21353)
   */
  async render(name: string, locals: object): Promise<string> {
    let template = this.compiled.get(name);
    if (!template) {
      // Pug takes longer to load than the rest of a start, and a process that never renders needs none of it.
      const { compileFile } = await import('pug');
      template = compileFile(this.find(`${name}.pug`));
      this.compiled.set(name, template);
    }
    return template(locals);
  }

  private find(file: string): string {
    const own = join(this.directory, file);
    return existsSync(own) ? own : join(this.fallback, file);
  }
}
