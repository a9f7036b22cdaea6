/** Addresses that some software takes for another: what it is, the local part of an account, and its twin. */
export const ADDRESS_TWINS = [
  ['Kelvin sign', 'kim', '\u212Aim'],
  ['long s', 'susan', '\u017Fusan'],
  ['dotless i', 'mike', 'm\u0131ke'],
  ['dotted capital I', 'mike', 'm\u0130ke'],
  ['accent', 'rene', 'ren\u00e9'],
  ['combining accent', 'rene', 'rene\u0301'],
  ['full width', 'mike', '\uff4dike'],
  ['plus tag', 'mike', 'mike+tag'],
  ['dot', 'mike', 'mi.ke'],
] as const;
