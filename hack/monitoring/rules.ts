/** The alert rules, and promtool's tests of them. */
export const RULES = new URL('../../config/monitoring/rules.yaml', import.meta.url);
export const RULE_TESTS = new URL('../../config/monitoring/rules.test.yaml', import.meta.url);
