import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'out/', 'cdk.out/', '.bench/', '**/.venv/'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    // A process whose start is measured loads nothing but what is measured.
    files: ['benchmarks/**/*.cjs'],
    languageOptions: { globals: { performance: 'readonly', process: 'readonly', require: 'readonly' } },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // A program of its own: no part of the project.
    files: ['test/life/identity-server/**/*.mjs'],
    languageOptions: { globals: { Buffer: 'readonly', process: 'readonly', setTimeout: 'readonly' } },
  },
  {
    languageOptions: { parserOptions: { projectService: true } },
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        // node's runner keeps these promises itself.
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite', 'before', 'after'] },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'off',
    },
  },
);
