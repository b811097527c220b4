#!/usr/bin/env node
// Bundles the outside checks of MCP and runs them. What they are is said in tests/conformance/main.ts.
import { runBundled } from './bundled.mjs';

await runBundled('tests/conformance/main.ts', 'tmops-conformance');
