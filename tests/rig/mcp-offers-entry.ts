import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { offeringServer } from './mcp-offers.ts';

await offeringServer().connect(new StdioServerTransport());
