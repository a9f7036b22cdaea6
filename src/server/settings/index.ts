export { loadSettings, readSettings, SettingsError } from './read-settings';
export { settingDescriptions } from './setting.decorators';
export { Settings } from './settings';
