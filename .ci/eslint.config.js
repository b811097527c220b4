import tseslint from 'typescript-eslint';

// Rules that catch real faults (floating promises, unsafe values, missing cases) and the lengths the house keeps.
// Layout of code is Prettier's business alone.
export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', 'node_modules/**', 'tests/golden/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['.ci/*.js', '.ci/*.mjs'] },
        tsconfigRootDir: import.meta.dirname + '/..',
      },
    },
    rules: {
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 350 }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
      // Bundled by that name it brings the messages of every language, half a megabyte that each process would read.
      'no-restricted-syntax': [
        'error',
        {
          selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier",
          message: "Write: import * as z from 'zod'",
        },
      ],
    },
  },
  {
    files: ['tests/**'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 500 }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Rigs are plain objects of arrow functions and are taken apart freely.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/triple-slash-reference': 'off',
    },
  },
  { files: ['.ci/**', 'config/**'], ...tseslint.configs.disableTypeChecked },
  { files: ['.ci/**'], rules: { 'no-console': 'off' } },
);
