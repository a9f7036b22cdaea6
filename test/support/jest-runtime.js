const { isBuiltin, _extensions: extensions } = require('node:module');
const { join, sep } = require('node:path');
const { compileFunction } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

const SOURCE = join(__dirname, '..', '..', 'src') + sep;

/**
 * Loads packages and what is tested as Node does, once for all files of a worker; specs and their helpers for each file, as
 * Jest does. What a spec replaces in a module of `src` it must therefore put back.
 */
module.exports = class SharedModulesRuntime extends Runtime {
  constructor(...parameters) {
    super(...parameters);
    const { executor, transformCache } = this;
    // In Node's own realm; see `jest-environment.ts`.
    executor.compile = (source, filename) =>
      compileFunction(source, executor.injectedModuleParameters, { filename });
    extensions['.ts'] = (module, filename) => module._compile(transformCache.transform(filename), filename);
  }

  requireModule(from, name, options, isActual) {
    const isShared =
      name && !options && !isBuiltin(name) && (!/^[./]/.test(name) || this.isSource(from, name));
    return isShared ? require(this.resolve(from, name)) : super.requireModule(from, name, options, isActual);
  }

  isSource(from, name) {
    const path = this.resolve(from, name);
    return path.startsWith(SOURCE) && !path.endsWith('.spec.ts');
  }

  resolve(from, name) {
    return /^[./]/.test(name) ? this._resolution.resolveCjs(from, name) : name;
  }
};
