import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Values that every realm and every copy of a package agrees on closely enough to ask `instanceof`. */
const builtIns = [
  'Error|TypeError|RangeError|SyntaxError|AggregateError',
  'Array|ArrayBuffer|SharedArrayBuffer|DataView|Buffer',
  '(Int|Uint)(8|16|32)Array|Uint8ClampedArray|Float(16|32|64)Array|Big(Ui|I)nt64Array',
  'Map|Set|WeakMap|WeakSet|WeakRef|Date|RegExp|Promise|Function|URL|AbortSignal',
].join('|');

const noInstanceof = {
  selector: `BinaryExpression[operator="instanceof"]:not([right.name=/^(${builtIns})$/])`,
  message: 'instanceof fails when a package is loaded twice: brand with Symbol.for and test for the brand.',
};

const writtenReturn = 'Write the return type out: what a newer compiler infers may be `any` to an older one.';

/** What the source of a package must not contain, besides what the plugins' rules say. */
const sourceSyntax = [
  'error',
  noInstanceof,
  {
    selector: 'ThrowStatement > NewExpression[callee.name=/Error$/]',
    message: 'Throw tesseraeError({ package, code, message, fix }) from @tesserae/registry.',
  },
  { selector: 'ExportNamedDeclaration > FunctionDeclaration:not([returnType])', message: writtenReturn },
  {
    selector:
      'ExportNamedDeclaration > VariableDeclaration > VariableDeclarator:not([id.typeAnnotation])' +
      ' > :matches(ArrowFunctionExpression, FunctionExpression):not([returnType])',
    message: writtenReturn,
  },
  { selector: 'MetaProperty[meta.name="import"]', message: 'import.meta does not exist in the CommonJS build.' },
  { selector: 'AwaitExpression:not(:function *)', message: 'Top-level await does not exist in the CommonJS build.' },
  { selector: 'ClassDeclaration[abstract=true]', message: 'Use an interface and a factory function.' },
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
];

/** Rules for all TypeScript, none of which needs types. */
const everywhere = {
  ...tseslint.configs.recommended.at(-1).rules,
  '@typescript-eslint/consistent-type-imports': [
    'error',
    { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
  ],
  '@typescript-eslint/no-require-imports': 'off', // a heavy library is required inside the function that needs it
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true },
  ],
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-debugger': 'error',
  'no-var': 'error',
  'no-constant-condition': ['error', { checkLoops: false }],
  'no-duplicate-case': 'error',
  'no-fallthrough': 'error',
  'no-self-assign': 'error',
  'no-self-compare': 'error',
  'no-sparse-arrays': 'error',
  'no-template-curly-in-string': 'error',
  'no-unreachable': 'error',
  'no-unsafe-finally': 'error',
  'no-unused-labels': 'error',
  'no-useless-catch': 'error',
  'no-useless-escape': 'error',
  'object-shorthand': 'error',
  'prefer-const': ['error', { destructuring: 'all' }],
  'use-isnan': 'error',
  'valid-typeof': 'error',
};

export default defineConfig(
  {
    ignores: ['**/dist/**', '**/node_modules/**', 'out/**', '.turbo/**', '**/coverage/**', 'test/golden/**'],
  },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['**/*.ts', '**/*.mts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser },
    rules: { ...everywhere, 'no-restricted-syntax': ['error', noInstanceof] },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-syntax': sourceSyntax,
      'no-restricted-globals': [
        'error',
        { name: '__dirname', message: 'Not there in the ES module build.' },
        { name: '__filename', message: 'Not there in the ES module build.' },
      ],
      'max-lines': ['warn', { max: 400 }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // Type tests declare values only to look at their types.
    files: ['**/*.test-d.ts'],
    rules: { '@typescript-eslint/no-unused-vars': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    rules: { eqeqeq: ['error', 'always', { null: 'ignore' }], 'no-var': 'error', 'prefer-const': 'error' },
  },
);
