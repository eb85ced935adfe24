/**
 * The directions of docs/architecture.md:
 *   main -> controllers, admission, serve -> audit, sources, resolve, deliver, runtime, kube -> api
 * Each rule names a room and the rooms it may look into; everything else is refused.
 */
const rooms = {
  api: [],
  json: [],
  kube: [],
  runtime: [],
  observe: [],
  sources: ['api', 'json'],
  resolve: ['api', 'json'],
  deliver: ['api'],
  admission: ['api', 'deliver', 'observe'],
  audit: ['api', 'kube', 'runtime', 'observe'],
  serve: ['kube', 'runtime', 'observe', 'api'],
  // An extension API server without a domain word: who calls, what they may, how kinds are served.
  aggregation: ['kube', 'runtime', 'observe', 'serve'],
  controllers: ['api', 'kube', 'runtime', 'sources', 'resolve', 'deliver', 'admission', 'audit', 'observe'],
  // What the API for keys serves: secret keys, connection tests, warnings before deletions.
  keys: [
    ...['api', 'json', 'kube', 'runtime', 'sources', 'resolve', 'audit', 'observe'],
    ...['controllers', 'aggregation'],
  ],
  // `kubectl fairlead`, with its user's own rights.
  kubectl: ['api', 'json', 'kube', 'runtime', 'resolve', 'admission', 'audit', 'observe'],
  // The composition: one file for each role of a process; only main.ts looks into it.
  roles: [
    ...['api', 'kube', 'runtime', 'sources', 'controllers', 'admission', 'audit', 'serve', 'observe'],
    ...['aggregation', 'keys', 'config.ts'],
  ],
};

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src', pathNot: ['\\.test\\.ts$', '^src/main\\.ts$'] },
      to: {},
    },
    ...Object.entries(rooms).map(([room, may]) => ({
      name: `room-${room}`,
      comment: `src/${room} may import ${may.length ? may.map((r) => `src/${r}`).join(', ') : 'no other room'}`,
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/',
        pathNot: `^src/(${[room, ...may].map((r) => (r.endsWith('.ts') ? r : `${r}/`)).join('|')})`,
      },
    })),
    {
      name: 'traces-are-loaded-when-asked-for',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/observe/tracing-otlp(\\.test)?\\.ts$' },
      to: { path: 'node_modules/@opentelemetry/' },
    },
    {
      name: 'traces-are-loaded-when-asked-for-2',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/observe/tracing-otlp\\.ts$', dynamic: false },
    },
    {
      name: 'pure-rooms',
      comment: 'resolve, deliver and the pure part of admission do no I/O',
      severity: 'error',
      from: {
        path: '^src/(resolve|deliver|admission)/',
        pathNot: ['\\.test\\.ts$', '^src/admission/handler\\.ts$'],
      },
      to: {
        path: '^(node:)?(fs|http|https|net|tls|child_process|dns)(/|$)|node_modules/(undici|node-vault|@kubernetes)',
      },
    },
    {
      name: 'pure-audit',
      comment: 'what a line is, and whether it is still as it was written, is decided without I/O',
      severity: 'error',
      from: { path: '^src/audit/(record|chain|facts|proof|verify|limit)\\.ts$' },
      to: { path: '^(node:)?(fs|http|https|net|tls|child_process|dns)(/|$)|^src/kube/(client|errors)\\.ts$' },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(test|hack)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    exclude: { path: '^node_modules' },
  },
};
