const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /(^|\.)(command|args|arguments|mainApplicationFile|sparkArgs)(\[|$)/,
    'placeholders in a command and its arguments were never replaced, but for --conf of spark-submit: see docs/migration.md',
  ],
  [/(^|\.)(annotations|labels)(\.|$)/, 'placeholders in labels and annotations were never replaced'],
  [/(^|\.)(data|binaryData|stringData)(\.|$)/, 'this is for whoever reads it to replace: Fairlead never did'],
  [
    /(^|\.)config(\.|\[|$)/,
    'text inside a configuration: put the property into sparkConf, or the variable into envVars',
  ],
];

/** Why a placeholder stays that stands in a place where none was looked for. */
export function whyLeft(path: string): string {
  return REASONS.find(([where]) => where.test(path))?.[1] ?? 'no place from which a placeholder can be moved';
}
