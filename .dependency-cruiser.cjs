// The house: arrows only point down, and packages on one floor do not import each other.
const floors = [
  ['registry'],
  ['backend-onnx', 'backend-node-gpu', 'tokenizer', 'display'],
  ['core'],
  ['trainer', 'hub'],
  [],
  ['tesserae'],
];

const sourceOf = (packages) => `^packages/(${packages.join('|')})/`;

/** For each package, everything that is not on a lower floor. */
const floorRules = floors.flatMap((packages, floor) =>
  packages.map((name) => {
    const forbidden = floors
      .slice(floor)
      .flat()
      .filter((other) => other !== name);
    return {
      name: `floors: ${name} stands on floor ${floor}`,
      comment: 'A package imports only packages on lower floors.',
      severity: 'error',
      from: { path: `^packages/${name}/src/` },
      to: { path: sourceOf(forbidden) },
    };
  }),
);

module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'no-cycles',
      comment: 'Neither files nor packages may need each other. A type alone is erased and may point back.',
      severity: 'error',
      from: { path: '^packages/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'known-packages-only',
      comment: 'A new package needs a floor: add it at the top of .dependency-cruiser.cjs.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: sourceOf(floors.flat()) },
      to: {},
    },
    {
      name: 'through-the-front-door',
      comment: 'Another package is imported by its name, never by a path into its folder.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/[^/]+/src/(testing/)?index\\.ts$'] },
    },
    {
      name: 'onnx-only-below',
      comment: 'Nothing above the onnx backend knows ONNX.',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/backend-onnx/' },
      to: { path: '(^|/)(onnxruntime-(node|common|web)|koffi|onnx-proto)(/|$)' },
    },
    {
      name: 'no-tests-in-source',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: ['^packages/[^/]+/test/', '^test/'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'Every import must be found.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-dependencies',
      comment: "What a package's source imports stands in its package.json: dependencies, peer or optional.",
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['node', 'require', 'default', 'types'] },
  },
};

// For the packaging tests, which hold the package.json files to the same floors.
Object.defineProperty(module.exports, 'floors', { value: floors });
