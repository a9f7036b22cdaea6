import { join } from 'node:path';
import type { compileTemplate } from 'pug';

/** Pug templates of one folder, each compiled once, at its first use. */
export class Templates {
  private readonly compiled = new Map<string, compileTemplate>();

  constructor(private readonly directory: string) {}

  /**
   * @param name file name without `.pug`
   * @param locals what the template may see; an explicit list, never request data as it came (CVE-2021-21353)
   */
  async render(name: string, locals: object): Promise<string> {
    let template = this.compiled.get(name);
    if (!template) {
      // Pug takes longer to load than the rest of a start, and a process that never renders needs none of it.
      const { compileFile } = await import('pug');
      template = compileFile(join(this.directory, `${name}.pug`));
      this.compiled.set(name, template);
    }
    return template(locals);
  }
}
